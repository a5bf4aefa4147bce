//! Which records are dropped on purpose as a data ring fills.
//!
//! A full ring takes the next record that finds room, whatever it is: a flood of reads would push out the
//! one open that matters. So classes of kinds are given up one after the other, the least important first,
//! while there is still room for the rest.

use k8srd_core::kind::{EventKind, KindClass, KindInfo};

use crate::abi::KIND_PLACES;
use crate::calls::place_of;

/// Of one kind: from how many bytes in the ring on it is dropped (0: never), and below how many no
/// more; its class; zero.
pub(crate) type Row = [u32; 4];

/// The rows of the kernel's map for these kinds on rings of so many bytes, by place.
///
/// The first of the classes in `order` that is watched goes when a ring is half full, the others as it
/// fills on, in even steps. The most important class that is watched never goes: dropping it would make
/// room for nothing. It comes back when half of what made it go has been read.
pub(crate) fn rows(order: &[KindClass], kinds: &[u16], ring: usize) -> Vec<Row> {
    let class_of = |kind: u16| KindInfo::of(EventKind(kind)).and_then(KindInfo::class);
    let is_watched = |class: &KindClass| kinds.iter().any(|&kind| class_of(kind) == Some(*class));
    let mut shed: Vec<KindClass> = Vec::new();
    for class in order.iter().filter(|class| is_watched(class)) {
        if !shed.contains(class) {
            shed.push(*class);
        }
    }
    if KindClass::ALL.iter().filter(|class| is_watched(class)).all(|class| shed.contains(class)) {
        shed.pop();
    }
    let half = u32::try_from(ring / 2).unwrap_or(u32::MAX);
    let step = half / u32::try_from(shed.len().max(1)).unwrap_or(u32::MAX);
    let mut rows = vec![Row::default(); KIND_PLACES as usize];
    for &kind in kinds {
        let level = class_of(kind).and_then(|class| {
            let level = shed.iter().position(|shed| *shed == class)?;
            Some((u32::try_from(level).ok()?, slot(class)?))
        });
        if let (Some((level, class)), Some(row)) = (level, rows.get_mut(place_of(kind))) {
            let begin = half + step * level;
            *row = [begin, begin / 2, class, 0];
        }
    }
    rows
}

/// The class's place among the counters of what was dropped.
pub(crate) fn slot(class: KindClass) -> Option<u32> {
    u32::try_from(KindClass::ALL.iter().position(|one| *one == class)?).ok()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use k8srd_core::kind::KINDS;

    use super::*;
    use crate::abi::{KIND_CODES, KIND_FIRST_CALL, SHED_CLASSES};

    const RING: usize = 1 << 20;
    const READ: u16 = 7;

    /// Of the kinds that are dropped: begin, end and class.
    fn shed(order: &[KindClass], kinds: &[EventKind]) -> BTreeMap<u16, (u32, u32, u32)> {
        let codes: Vec<u16> = kinds.iter().map(|kind| kind.0).collect();
        let rows = rows(order, &codes, RING);
        assert_eq!(rows.iter().filter(|row| row[0] > 0).count(), {
            codes.iter().filter(|&&code| rows[place_of(code)][0] > 0).count()
        });
        let dropped = codes.into_iter().filter(|&code| rows[place_of(code)][0] > 0);
        dropped
            .map(|code| (code, rows[place_of(code)]))
            .map(|(c, r)| (c, (r[0], r[1], r[2])))
            .collect()
    }

    #[test]
    fn classes_go_one_after_the_other_and_the_most_important_stays() {
        let read = EventKind(READ);
        assert_eq!(KindInfo::of(read).unwrap().name, "read");
        let kinds = [EventKind::EXECVE, EventKind::OPENAT, EventKind::CONNECT, read];
        let found = shed(&KindClass::ALL, &kinds);
        let (half, three) = (RING as u32 / 2, RING as u32 / 4 * 3);
        let expected = [(READ, (half, half / 2, 0)), (EventKind::CONNECT.0, (three, three / 2, 2))];
        assert_eq!(found, BTreeMap::from(expected), "neither files nor processes");
    }

    #[test]
    fn the_order_is_what_somebody_says() {
        let kinds = [EventKind::OPENAT, EventKind::CONNECT];
        let first = |order: &[KindClass]| shed(order, &kinds).into_keys().collect::<Vec<_>>();
        assert_eq!(first(&KindClass::ALL), [EventKind::CONNECT.0]);
        assert_eq!(first(&[KindClass::File, KindClass::Network]), [EventKind::OPENAT.0]);
        assert_eq!(first(&[KindClass::File]), [EventKind::OPENAT.0], "the network is not listed");
        assert_eq!(first(&[KindClass::File, KindClass::File]), [EventKind::OPENAT.0]);
        assert_eq!(first(&[]), [0_u16; 0]);
        assert_eq!(shed(&KindClass::ALL, &[EventKind::OPENAT]).len(), 0, "there is nothing else");
        assert_eq!(shed(&KindClass::ALL, &[]).len(), 0);
    }

    #[test]
    fn levels_rise_and_leave_room() {
        let all: Vec<u16> = KINDS.iter().map(|info| info.kind.0).collect();
        for ring in [64 << 10, 1 << 20, 1 << 30] {
            let rows = rows(&KindClass::ALL, &all, ring);
            let mut levels: Vec<_> = rows.iter().filter(|row| row[0] > 0).map(|r| r[0]).collect();
            levels.sort_unstable();
            levels.dedup();
            assert_eq!(levels.len(), 3);
            assert!(levels[0] as usize == ring / 2 && (levels[2] as usize) < ring, "{levels:?}");
        }
    }

    #[test]
    fn each_kind_has_a_place_and_each_class_a_slot() {
        let mut places = std::collections::BTreeSet::new();
        for info in KINDS.iter().filter(|info| !info.kind.is_state()) {
            let kind = info.kind;
            let fits = kind.0 < KIND_CODES || kind.0 >= KIND_FIRST_CALL;
            assert!(fits && place_of(kind.0) < KIND_PLACES as usize, "{}", info.name);
            assert!(places.insert(place_of(kind.0)), "{} shares a place", info.name);
        }
        assert_eq!(EventKind::call(0).0, KIND_FIRST_CALL);
        for class in KindClass::ALL {
            assert!(slot(class).unwrap() < SHED_CLASSES);
        }
    }
}
