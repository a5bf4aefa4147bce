//! Memory for values that are computed while one event is judged.

use std::cell::Cell;
use std::fmt;

use crate::value::Value;

/// Holds values that a field had to compute (a joined path, a list of ancestors) for as long as
/// one event is looked at; reset before the next one.
///
/// Growing happens on the first events only: [`Arena::reset`] keeps the memory, so a warm arena
/// costs no allocation per event.
#[derive(Default)]
pub struct Arena {
    bump: bumpalo::Bump,
}

impl Arena {
    /// Forgets all values, keeps the memory.
    pub fn reset(&mut self) {
        self.bump.reset();
    }

    /// Stores one value.
    pub fn alloc<T: Copy>(&self, value: T) -> &T {
        self.bump.alloc(value)
    }

    /// Stores bytes.
    pub fn bytes(&self, bytes: &[u8]) -> &[u8] {
        self.bump.alloc_slice_copy(bytes)
    }

    /// Stores the concatenation of `parts`.
    pub fn concat(&self, parts: &[&[u8]]) -> &[u8] {
        self.join(parts, b"")
    }

    /// Stores `parts` with `separator` between each two.
    pub(crate) fn join(&self, parts: &[&[u8]], separator: &[u8]) -> &[u8] {
        let text: usize = parts.iter().map(|part| part.len()).sum();
        let length = text + separator.len() * parts.len().saturating_sub(1);
        let all = self.bump.alloc_slice_fill_copy(length, 0);
        let mut rest = &mut *all;
        for (i, part) in parts.iter().enumerate() {
            for piece in [if i > 0 { separator } else { b"" }, part] {
                let (here, behind) = rest.split_at_mut(piece.len());
                here.copy_from_slice(piece);
                rest = behind;
            }
        }
        all
    }

    /// Stores plain things.
    pub(crate) fn collect<T: Copy>(&self, all: impl Iterator<Item = T>) -> &[T] {
        let mut stored = bumpalo::collections::Vec::new_in(&self.bump);
        stored.extend(all);
        stored.into_bump_slice()
    }

    /// Stores `bytes`, each changed.
    pub(crate) fn map(&self, bytes: &[u8], change: fn(u8) -> u8) -> &[u8] {
        self.bump.alloc_slice_fill_iter(bytes.iter().map(|&byte| change(byte)))
    }

    /// Stores `length` bytes that come one by one; `None` where one does not come.
    pub(crate) fn fill(
        &self,
        length: usize,
        mut next: impl FnMut() -> Option<u8>,
    ) -> Option<&[u8]> {
        let mut all = bumpalo::collections::Vec::with_capacity_in(length, &self.bump);
        for _ in 0..length {
            all.push(next()?);
        }
        Some(all.into_bump_slice())
    }

    /// Stores slices of bytes.
    pub(crate) fn slices<'a>(
        &'a self,
        slices: impl ExactSizeIterator<Item = &'a [u8]>,
    ) -> &'a [&'a [u8]] {
        self.bump.alloc_slice_fill_iter(slices)
    }

    /// A list of texts to be filled, with room for `n`.
    pub(crate) fn texts(&self, n: usize) -> Texts<'_> {
        Texts(bumpalo::collections::Vec::with_capacity_in(n, &self.bump))
    }

    /// Stores formatted text.
    pub fn format(&self, text: fmt::Arguments<'_>) -> &[u8] {
        let mut out = bumpalo::collections::String::new_in(&self.bump);
        // Writing to memory fails only if a `Display` fails; what it wrote so far is kept.
        let _ = fmt::write(&mut out, text);
        out.into_bump_str().as_bytes()
    }

    /// Stores `n` empty places.
    pub(crate) fn places<T: Copy>(&self, n: usize) -> &[Cell<Option<T>>] {
        self.bump.alloc_slice_fill_with(n, |_| Cell::new(None))
    }

    /// Stores a list of values.
    pub fn list<'a>(&'a self, values: impl IntoIterator<Item = Value<'a>>) -> &'a [Value<'a>] {
        let mut all = bumpalo::collections::Vec::new_in(&self.bump);
        all.extend(values);
        all.into_bump_slice()
    }
}

/// A list of texts that is being filled.
pub(crate) struct Texts<'a>(bumpalo::collections::Vec<'a, Value<'a>>);

impl<'a> Texts<'a> {
    pub(crate) fn push(&mut self, text: &'a [u8]) {
        self.0.push(Value::Str(text));
    }

    pub(crate) fn into_values(self) -> &'a [Value<'a>] {
        self.0.into_bump_slice()
    }
}

impl fmt::Debug for Arena {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arena").field("allocated", &self.bump.allocated_bytes()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn computed_values_live_side_by_side() {
        let mut arena = Arena::default();
        let path = arena.concat(&[b"/etc", b"/", b"shadow"]);
        let text = arena.format(format_args!("{}:{}", 1, 2));
        let list = arena.list([Value::Str(path), Value::U64(7)]);
        assert_eq!(path, b"/etc/shadow");
        assert_eq!(text, b"1:2");
        assert_eq!(list.len(), 2);
        arena.reset();
        assert_eq!(arena.bytes(b"again"), b"again");
    }
}
