//! From what older writers recorded to today's forms of events.
//!
//! [`versions`] is the table; this applies it, as often as there are versions in between.

mod entries;
mod versions;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use k8srd_core::kind::{EventKind, KindInfo, Origin, ParamType};

use crate::codes;
use crate::convert::entries::Entries;
use crate::record::{Record, RecordBuf, RecordHeader};

/// Versions between the oldest and today's form of an event are fewer.
const STEPS: usize = 50;

/// Makes old events new.
#[derive(Debug, Default)]
pub(crate) struct Converter {
    entries: Entries,
    current: RecordBuf,
    next: RecordBuf,
}

/// What becomes of a record.
#[derive(Debug)]
pub(crate) enum Converted<'a> {
    /// An event in its newest form.
    Event(Record<'a>),
    /// It is part of an event to come.
    Kept,
    /// Nothing here makes use of it.
    Skipped,
}

/// A row of the table.
#[derive(Debug)]
struct Recipe {
    /// The new code.
    becomes: Option<u16>,
    /// Whether it is in its newest form already.
    passes: bool,
    /// Whether it is kept for the return of the call.
    keeps: bool,
    /// Whether its own params come first.
    extends: bool,
    /// Whether some param is the entry's.
    reads_entry: bool,
    params: Vec<Ingredient>,
}

/// Where a param comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ingredient {
    /// The event's own, by place.
    Own(usize),
    /// The entry's; without entry, empty or zero.
    Entry {
        place: usize,
        else_empty: bool,
    },
    Empty,
    Zero,
    /// A container's facts as JSON.
    ContainerJson,
}

impl Converter {
    /// The newest form of a record.
    pub(crate) fn convert<'r>(&'r mut self, record: Record<'r>) -> Converted<'r> {
        if record.code >= codes::COUNT {
            // State of our own kinds is never of an older version; others are newer than this.
            let kind = EventKind(record.code);
            let own = kind.is_state() && KindInfo::of(kind).is_some();
            return if own { Converted::Event(record) } else { Converted::Skipped };
        }
        if is_newest(record.code, record.len()) {
            return Converted::Event(record);
        }
        let mut changed = false;
        for _ in 0..STEPS {
            let now = if changed { self.current.record() } else { record };
            let count = now.len();
            if is_newest(now.code, count) {
                break;
            }
            let Some(recipe) = recipe(now.code, count) else {
                if is_current(now.code) {
                    break;
                }
                return Converted::Skipped;
            };
            if recipe.keeps {
                self.entries.keep(now);
            }
            if recipe.passes {
                break;
            }
            if recipe.becomes.is_none() && recipe.params.is_empty() {
                return Converted::Kept;
            }
            let entry = if recipe.reads_entry { self.entries.take(now) } else { None };
            recipe.follow(now, entry, &mut self.next);
            std::mem::swap(&mut self.current, &mut self.next);
            changed = true;
        }
        Converted::Event(if changed { self.current.record() } else { record })
    }

    /// Another recording begins.
    pub(crate) fn begin_anew(&mut self) {
        self.entries.clear();
    }

    /// Entries that were dropped before their calls returned, by code, since this was asked last:
    /// what was open at once did not fit into memory.
    pub(crate) fn take_dropped(&mut self) -> BTreeMap<u16, u64> {
        std::mem::take(&mut self.entries.dropped)
    }
}

impl Recipe {
    /// Makes the event that `old`, and the entry of its call, become.
    fn follow(&self, old: Record<'_>, entry: Option<Record<'_>>, new: &mut RecordBuf) {
        let code = self.becomes.unwrap_or(old.code);
        new.start(RecordHeader { code, ..old.header() });
        if self.extends {
            (0..old.len()).for_each(|place| new.push(old.param(place).unwrap_or_default()));
        }
        for ingredient in &self.params {
            let place = new.record().len();
            match *ingredient {
                Ingredient::Own(place) => new.push(old.param(place).unwrap_or_default()),
                Ingredient::Entry { place: of_entry, else_empty } => {
                    match entry.and_then(|entry| entry.param(of_entry)) {
                        Some(param) => new.push(param),
                        None if else_empty => new.push(b""),
                        None => new.push(zero(code, place)),
                    }
                }
                Ingredient::Empty => new.push(b""),
                Ingredient::Zero => new.push(zero(code, place)),
                Ingredient::ContainerJson => new.push(container_json(old).as_bytes()),
            }
        }
    }

    /// Reads a row; `None` if it is malformed.
    fn parse(text: &str) -> Option<Self> {
        let mut recipe = Self {
            becomes: None,
            passes: false,
            keeps: false,
            extends: false,
            reads_entry: false,
            params: Vec::new(),
        };
        for word in text.split(' ') {
            match word {
                "+" => recipe.extends = true,
                "pass" => recipe.passes = true,
                "store" => recipe.keeps = true,
                "-" => recipe.params.push(Ingredient::Empty),
                "0" => recipe.params.push(Ingredient::Zero),
                "json" => recipe.params.push(Ingredient::ContainerJson),
                _ => match word.split_at_checked(1)? {
                    ("=", code) => recipe.becomes = Some(code.parse().ok()?),
                    ("o", places) => {
                        let (first, last) = places.split_once("..").unwrap_or((places, places));
                        let all = first.parse().ok()?..=last.parse().ok()?;
                        recipe.params.extend(all.map(Ingredient::Own));
                    }
                    ("e", place) => {
                        let required = place.strip_suffix('?');
                        let else_empty = required.is_some();
                        let place = required.unwrap_or(place).parse().ok()?;
                        recipe.params.push(Ingredient::Entry { place, else_empty });
                        recipe.reads_entry = true;
                    }
                    _ => return None,
                },
            }
        }
        Some(recipe)
    }
}

/// What becomes of an event with this code and so many params.
fn recipe(code: u16, params: usize) -> Option<&'static Recipe> {
    let of_code = TABLE.get(usize::from(code))?;
    of_code.iter().find(|(of, _)| *of == params).map(|(_, recipe)| recipe)
}

/// Rows by code, each with the number of params.
static TABLE: LazyLock<Vec<Vec<(usize, Recipe)>>> = LazyLock::new(|| {
    let mut table: Vec<_> = (0..codes::COUNT).map(|_| Vec::new()).collect();
    let kept = versions::KEPT.iter().map(|&(code, count)| (code, count, "store"));
    for (code, count, text) in kept.chain(versions::RECIPES.iter().copied()) {
        if let (Some(rows), Some(recipe)) = (table.get_mut(usize::from(code)), Recipe::parse(text))
        {
            rows.push((usize::from(count), recipe));
        }
    }
    table
});

/// Whether a return with so many params is in its newest form: a newer writer's params beyond those
/// that are known are passed over.
fn is_newest(code: u16, params: usize) -> bool {
    /// By code, how many it has; no event has as many as the others.
    static NEWEST: LazyLock<Vec<usize>> = LazyLock::new(|| {
        let newest = |code: u16| codes::params(code).filter(|_| code % 2 == 1 && is_current(code));
        (0..codes::COUNT).map(|code| newest(code).map_or(usize::MAX, usize::from)).collect()
    });
    NEWEST.get(usize::from(code)).is_some_and(|&newest| params >= newest)
}

/// Whether today's writers produce it.
fn is_current(code: u16) -> bool {
    // Of the others there are names for rules, and no events.
    let is_state = |info: &KindInfo| info.origin != Origin::Meta;
    KindInfo::of(EventKind(code)).is_some()
        || KindInfo::of(EventKind::state(code)).is_some_and(is_state)
}

/// What stands for a number that nobody recorded; texts are empty.
fn zero(code: u16, place: usize) -> &'static [u8] {
    let row = KindInfo::of(EventKind(code)).or_else(|| KindInfo::of(EventKind::state(code)));
    let param = row.and_then(|row| row.params.get(place));
    match param.map(|param| param.ty) {
        Some(ParamType::Uid | ParamType::Gid) => &[0xFF; 4],
        Some(
            ParamType::Str
            | ParamType::Path
            | ParamType::RelPath
            | ParamType::StrArray
            | ParamType::Bytes
            | ParamType::FdList
            | ParamType::SockAddr
            | ParamType::SockTuple,
        ) => b"",
        _ => &[0; 8],
    }
}

/// The params of the oldest container event (id, type, name, image) in the form of later ones.
fn container_json(old: Record<'_>) -> String {
    let text = |place| {
        let bytes = old.param(place).unwrap_or_default();
        let end = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        String::from_utf8_lossy(bytes.get(..end).unwrap_or(bytes)).replace(['"', '\\'], "_")
    };
    let kind = old.param(1).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    let (id, name, image) = (text(0), text(2), text(3));
    format!("{{\"id\":\"{id}\",\"type\":{kind},\"name\":\"{name}\",\"image\":\"{image}\"}}\0")
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use k8srd_core::event::Timestamp;

    use super::*;

    fn owned(code: u16, params: &[&[u8]]) -> RecordBuf {
        let mut owned = RecordBuf::default();
        owned.begin(Timestamp::from_nanos(1), 7, 0, code);
        params.iter().for_each(|param| owned.push(param));
        owned
    }

    /// Converts events of one thread in order; the code and params of what comes out.
    fn convert(events: &[RecordBuf]) -> Vec<(u16, Vec<Vec<u8>>)> {
        let mut converter = Converter::default();
        let mut out = Vec::new();
        for event in events {
            if let Converted::Event(new) = converter.convert(event.record()) {
                let params = (0..new.len()).map(|place| new.param(place).unwrap().to_vec());
                out.push((new.code, params.collect()));
            }
        }
        assert_eq!(converter.take_dropped(), BTreeMap::new());
        out
    }

    #[test]
    fn every_row_can_be_read_and_ends_in_todays_form() {
        for (code, count, text) in versions::RECIPES {
            assert!(Recipe::parse(text).is_some(), "{code} {text}");
            let event = owned(*code, &vec![&b"x"[..]; usize::from(*count)]);
            let all = convert(&[event]);
            // The one entry with a version that becomes another waits for its return.
            assert_eq!(all.is_empty(), *code == 298, "{code} {text}");
            for (code, params) in all {
                let newest = codes::params(code).unwrap();
                assert!(is_current(code) || [292, 330].contains(&code), "{code} {text}");
                assert_eq!(params.len(), usize::from(newest), "{code} {text}");
            }
        }
        let rows: Vec<_> = (0..)
            .zip(&*TABLE)
            .flat_map(|(code, rows)| rows.iter().map(move |(count, _)| (code, *count)))
            .collect();
        assert_eq!(rows.len(), versions::KEPT.len() + versions::RECIPES.len());
        let different: HashSet<_> = rows.iter().collect();
        assert_eq!(different.len(), rows.len());
    }

    #[test]
    fn a_calls_params_come_from_its_entry() {
        let found = convert(&[owned(6, &[b"fd", b"size"]), owned(7, &[b"res", b"data"])]);
        let params = [&b"res"[..], b"data", b"fd", b"size"].map(<[u8]>::to_vec);
        assert_eq!(found, [(7, params.to_vec())]);
        // Without it numbers are 0, of another call it is not taken.
        let found = convert(&[owned(8, &[b"fd", b"size"]), owned(7, &[b"res", b"data"])]);
        assert_eq!(found[0].1[2], [0; 8]);
    }

    #[test]
    fn many_versions_are_passed_in_one_go() {
        let params: Vec<Vec<u8>> = (0..8).map(|n| vec![n]).collect();
        let params: Vec<&[u8]> = params.iter().map(Vec::as_slice).collect();
        let found = convert(&[owned(13, &params)]);
        assert_eq!((found[0].0, found[0].1.len()), (293, 31));
        assert_eq!(found[0].1[..8], params[..]);
    }

    #[test]
    fn what_is_of_no_use_is_skipped_and_what_is_new_stays() {
        assert!(convert(&[owned(26, &[]), owned(17, &[])]).is_empty());
        assert_eq!(convert(&[owned(5, &[b"res", b"fd", b"more"])])[0].1.len(), 3);
        assert_eq!(convert(&[owned(186, &[b"x"])])[0].1.len(), 1);
        let found = convert(&[owned(228, &[b"abc\0", &[1, 0, 0, 0], b"web\0", b"nginx\0"])]);
        let json = b"{\"id\":\"abc\",\"type\":1,\"name\":\"web\",\"image\":\"nginx\"}\0".to_vec();
        assert_eq!(found, [(324, vec![json])]);
    }
}
