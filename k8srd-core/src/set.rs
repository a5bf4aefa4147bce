//! Sets of small integers: fields, kinds, rules.

use std::fmt;
use std::marker::PhantomData;

use crate::field::FieldId;
use crate::kind::EventKind;

/// A set of fields.
pub type FieldSet = IdSet<FieldId>;
/// A set of event kinds.
pub type KindSet = IdSet<EventKind>;
/// A set of a matcher's rules.
pub type RuleBits = IdSet<RuleId>;

/// A rule's place in its ruleset: the order of definition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleId(pub u32);

/// An identifier that is a small integer.
pub trait Id: Copy {
    /// The integer.
    fn index(self) -> usize;
    /// The identifier of an integer that [`Id::index`] gave.
    fn from_index(index: usize) -> Self;
}

macro_rules! small_id {
    ($name:ident, $int:ty) => {
        impl Id for $name {
            fn index(self) -> usize {
                self.0 as usize
            }

            fn from_index(index: usize) -> Self {
                Self(index as $int)
            }
        }
    };
}
small_id!(RuleId, u32);
small_id!(FieldId, u16);
small_id!(EventKind, u16);

/// A set of identifiers, one bit each. Its memory grows with the largest member.
#[derive(Clone)]
pub struct IdSet<T> {
    words: Vec<u64>,
    of: PhantomData<fn() -> T>,
}

impl<T: Id> IdSet<T> {
    /// Adds a member; says whether it is new.
    pub fn insert(&mut self, id: T) -> bool {
        let (word, bit) = (id.index() / 64, 1 << (id.index() % 64));
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        new
    }

    /// Whether `id` is a member.
    pub fn contains(&self, id: T) -> bool {
        self.words.get(id.index() / 64).is_some_and(|word| word & (1 << (id.index() % 64)) != 0)
    }

    /// Removes a member.
    pub fn remove(&mut self, id: T) {
        if let Some(word) = self.words.get_mut(id.index() / 64) {
            *word &= !(1 << (id.index() % 64));
        }
    }

    /// Removes all members, keeps the memory.
    pub fn clear(&mut self) {
        // Filling nothing is not free: where the C library does it by a masked store (AVX-512), a
        // store to the address of an empty vector, which is no memory, takes the slow way of the CPU.
        if !self.words.is_empty() {
            self.words.fill(0);
        }
    }

    /// Adds all members of `other`.
    pub fn union_with(&mut self, other: &Self) {
        if self.words.len() < other.words.len() {
            self.words.resize(other.words.len(), 0);
        }
        for (word, other) in self.words.iter_mut().zip(&other.words) {
            *word |= other;
        }
    }

    /// The members that are in `other` too.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let words = self.words.iter().zip(&other.words).map(|(a, b)| a & b).collect();
        Self { words, of: PhantomData }
    }

    /// The members that are not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let others = other.words.iter().copied().chain(std::iter::repeat(0));
        let words = self.words.iter().zip(others).map(|(a, b)| a & !b).collect();
        Self { words, of: PhantomData }
    }

    /// The members, ascending.
    pub fn iter(&self) -> impl Iterator<Item = T> + '_ {
        self.words.iter().enumerate().flat_map(|(i, &word)| {
            (0..64)
                .filter(move |bit| word & (1 << bit) != 0)
                .map(move |bit| T::from_index(i * 64 + bit))
        })
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.words.iter().all(|&word| word == 0)
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }
}

impl<T> Default for IdSet<T> {
    fn default() -> Self {
        Self { words: Vec::new(), of: PhantomData }
    }
}

impl<T: Id> FromIterator<T> for IdSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        let mut set = Self::default();
        set.extend(ids);
        set
    }
}

impl<T: Id> Extend<T> for IdSet<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, ids: I) {
        for id in ids {
            self.insert(id);
        }
    }
}

impl<T: Id> PartialEq for IdSet<T> {
    fn eq(&self, other: &Self) -> bool {
        let longest = self.words.len().max(other.words.len());
        let word = |set: &Self, i: usize| set.words.get(i).copied().unwrap_or(0);
        (0..longest).all(|i| word(self, i) == word(other, i))
    }
}

impl<T: Id> Eq for IdSet<T> {}

impl<T: Id + fmt::Debug> fmt::Debug for IdSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behaves_as_a_set() {
        let mut a: RuleBits = [RuleId(1), RuleId(64), RuleId(1)].into_iter().collect();
        assert_eq!(a.len(), 2);
        assert!(a.contains(RuleId(64)) && !a.contains(RuleId(63)) && !a.contains(RuleId(1000)));
        let b: RuleBits = [RuleId(64), RuleId(200)].into_iter().collect();
        assert_eq!(a.intersection(&b).iter().collect::<Vec<_>>(), [RuleId(64)]);
        assert_eq!(a.difference(&b).iter().collect::<Vec<_>>(), [RuleId(1)]);
        assert_eq!(b.difference(&a).iter().collect::<Vec<_>>(), [RuleId(200)]);
        a.union_with(&b);
        assert_eq!(a.iter().map(|id| id.0).collect::<Vec<_>>(), [1, 64, 200]);
        a.remove(RuleId(200));
        a.remove(RuleId(9999));
        assert_eq!(a, [RuleId(64), RuleId(1)].into_iter().collect());
        a.clear();
        assert!(a.is_empty());
    }
}
