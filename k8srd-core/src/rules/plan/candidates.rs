//! What may match events of each kind.
//!
//! There are some five hundred kinds, and most rules name a few of them or none. Kinds that every
//! rule treats alike share one list, so that a plan grows with what rules tell apart and not with
//! the table of kinds.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::kind::{EventKind, KindInfo};
use crate::rules::evaluate::Node;
use crate::set::{KindSet, RuleId};

/// What is left of a rule for the events of one kind.
#[derive(Clone, Debug)]
pub(in crate::rules) struct Candidate {
    pub(in crate::rules) rule: RuleId,
    pub(in crate::rules) condition: Arc<Node>,
    /// Whether it reads the name of a file, so that it has to be judged under each name.
    pub(in crate::rules) follows_path: bool,
}

/// The candidates of each kind.
#[derive(Debug)]
pub(super) struct ByKind {
    /// By ascending kind, each with the place of its list. Kinds without candidates are left out.
    kinds: Vec<(EventKind, usize)>,
    /// Each in the order of definition.
    lists: Vec<Box<[Candidate]>>,
}

impl ByKind {
    /// What may match events of this kind, in the order of definition.
    pub(super) fn of(&self, kind: EventKind) -> &[Candidate] {
        let place = self.kinds.binary_search_by_key(&kind, |(kind, _)| *kind);
        let list = place.ok().and_then(|at| self.kinds.get(at)).map(|(_, list)| *list);
        list.and_then(|list| self.lists.get(list)).map_or(&[], |list| list)
    }

    /// The kinds that have candidates.
    pub(super) fn kinds(&self) -> KindSet {
        self.kinds.iter().map(|(kind, _)| *kind).collect()
    }

    /// The kinds of events that each of `rules` rules may match.
    pub(super) fn of_rules(&self, rules: usize) -> Vec<KindSet> {
        let mut sharing = vec![KindSet::default(); self.lists.len()];
        for (kind, list) in &self.kinds {
            if let Some(sharing) = sharing.get_mut(*list) {
                sharing.insert(*kind);
            }
        }
        let mut of_rules = vec![KindSet::default(); rules];
        for (kinds, list) in sharing.iter().zip(&self.lists) {
            for candidate in list {
                if let Some(of_rule) = of_rules.get_mut(candidate.rule.0 as usize) {
                    of_rule.union_with(kinds);
                }
            }
        }
        of_rules
    }
}

/// Collects candidates, rule by rule.
pub(super) struct Builder<'a> {
    /// Each kind with the place of its list.
    kinds: Vec<(&'a KindInfo, usize)>,
    lists: Vec<Vec<Candidate>>,
}

impl<'a> Builder<'a> {
    /// For these kinds, in ascending order.
    pub(super) fn new(kinds: impl Iterator<Item = &'a KindInfo>) -> Self {
        Self { kinds: kinds.map(|info| (info, 0)).collect(), lists: vec![Vec::new()] }
    }

    /// Adds what is left of a rule for each kind. Kinds that shared a list and are told apart by the
    /// rule part; those for which the same object is left stay together.
    pub(super) fn add(&mut self, mut left: impl FnMut(&KindInfo) -> Option<Candidate>) {
        let Self { kinds, lists } = self;
        // By the list so far and what is left: the list from now on.
        let mut parts: HashMap<(usize, Option<*const Node>), usize> = HashMap::new();
        let mut kept = HashSet::new();
        let mut added = Vec::new();
        for (info, list) in kinds {
            let left = left(info);
            let old = *list;
            let which = (old, left.as_ref().map(|left| Arc::as_ptr(&left.condition)));
            *list = *parts.entry(which).or_insert_with(|| {
                let place = if kept.insert(old) {
                    old
                } else {
                    lists.push(lists.get(old).cloned().unwrap_or_default());
                    lists.len() - 1
                };
                added.extend(left.map(|left| (place, left)));
                place
            });
        }
        for (place, left) in added {
            lists.get_mut(place).into_iter().for_each(|list| list.push(left.clone()));
        }
    }

    pub(super) fn build(self) -> ByKind {
        let Self { kinds, lists } = self;
        let has_some = |list: &usize| lists.get(*list).is_some_and(|list| !list.is_empty());
        let kinds = kinds.into_iter().filter(|(_, list)| has_some(list));
        ByKind {
            kinds: kinds.map(|(info, list)| (info.kind, list)).collect(),
            lists: lists.into_iter().map(Vec::into_boxed_slice).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::KINDS;

    #[test]
    fn kinds_that_all_rules_treat_alike_share_a_list() {
        let [wild, narrow] = [(); 2].map(|()| Arc::new(Node::Const(true)));
        let candidate = |rule, condition: &Arc<Node>| Candidate {
            rule: RuleId(rule),
            condition: condition.clone(),
            follows_path: false,
        };
        let mut builder = Builder::new(KINDS.iter());
        builder.add(|_| Some(candidate(0, &wild)));
        builder.add(|info| (info.name == "open").then(|| candidate(1, &narrow)));
        builder.add(|info| (info.name != "connect").then(|| candidate(2, &wild)));
        let by_kind = builder.build();

        let rules = |kind| by_kind.of(kind).iter().map(|it| it.rule.0).collect::<Vec<_>>();
        assert_eq!(rules(EventKind::OPEN), [0, 1, 2]);
        assert_eq!(rules(EventKind::CONNECT), [0]);
        assert_eq!(rules(EventKind::CLONE), [0, 2]);
        assert_eq!(by_kind.lists.len(), 3);
        let of_rules = by_kind.of_rules(3);
        assert_eq!(of_rules[0], by_kind.kinds());
        assert!(of_rules[1].contains(EventKind::OPEN) && !of_rules[2].contains(EventKind::CONNECT));
    }
}
