//! Records in numbered places, with handles that are never reused.

/// One record, for ever: a place, and how often the place had been used before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handle {
    place: u32,
    incarnation: u32,
}

/// Records in numbered places.
#[derive(Debug)]
pub(crate) struct Slab<T> {
    places: Vec<Place<T>>,
    free: Vec<u32>,
    len: usize,
}

#[derive(Debug)]
struct Place<T> {
    incarnation: u32,
    record: Option<T>,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self { places: Vec::new(), free: Vec::new(), len: 0 }
    }
}

impl<T> Slab<T> {
    /// Keeps `record`; says where.
    ///
    /// # Panics
    ///
    /// Never in practice: it would take 2^32 records at once.
    pub(crate) fn insert(&mut self, record: T) -> u32 {
        self.len += 1;
        if let Some(place) = self.free.pop()
            && let Some(free) = self.places.get_mut(place as usize)
        {
            free.record = Some(record);
            return place;
        }
        self.places.push(Place { incarnation: 0, record: Some(record) });
        (self.places.len() - 1) as u32
    }

    pub(crate) fn remove(&mut self, place: u32) -> Option<T> {
        let slot = self.places.get_mut(place as usize)?;
        let record = slot.record.take()?;
        self.len -= 1;
        // A place whose count is used up is left empty, so that no handle comes twice.
        if let Some(next) = slot.incarnation.checked_add(1) {
            slot.incarnation = next;
            self.free.push(place);
        }
        Some(record)
    }

    pub(crate) fn get(&self, place: u32) -> Option<&T> {
        self.places.get(place as usize)?.record.as_ref()
    }

    pub(crate) fn get_mut(&mut self, place: u32) -> Option<&mut T> {
        self.places.get_mut(place as usize)?.record.as_mut()
    }

    /// The handle of the record that is at `place` now.
    pub(crate) fn handle(&self, place: u32) -> Option<Handle> {
        let slot = self.places.get(place as usize)?;
        slot.record.as_ref()?;
        Some(Handle { place, incarnation: slot.incarnation })
    }

    /// Where the record of `handle` is, if it is there still.
    pub(crate) fn place(&self, handle: Handle) -> Option<u32> {
        (self.handle(handle.place)? == handle).then_some(handle.place)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &T)> {
        (0..).zip(&self.places).filter_map(|(place, slot)| Some((place, slot.record.as_ref()?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_is_of_one_record_only() {
        let mut slab = Slab::default();
        let place = slab.insert('a');
        let first = slab.handle(place).unwrap();
        assert_eq!(slab.place(first), Some(place));
        assert_eq!(slab.remove(place), Some('a'));
        assert_eq!((slab.place(first), slab.remove(place), slab.len()), (None, None, 0));
        assert_eq!(slab.insert('b'), place, "places are used again");
        assert_eq!(slab.place(first), None, "handles are not");
        assert_ne!(slab.handle(place), Some(first));
    }
}
