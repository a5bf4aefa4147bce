//! Ancestors, and leaders of sessions and groups. Facts: `traverse_parent_state`,
//! `get_ancestor_process` and `get_oldest_matching_ancestor` in
//! `userspace/libsinsp/thread_manager.cpp` of falcosecurity/libs.

use k8srd_core::arena::Arena;
use k8srd_core::field::{Arg, Key};
use k8srd_core::value::Value;

use super::Processes;
use super::facts::Facts;
use super::fields::{Subject, env, known, pid};
use super::state::Session;
use super::table::{Process, Thread};
use crate::read;

/// What has a leader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Led {
    /// The session, by its id inside the pid namespace.
    Session,
    /// The process group.
    Group,
    /// The process group, by its id inside the pid namespace.
    GroupInside,
}

/// What of the leader is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Name,
    Exe,
    Exepath,
}

impl Part {
    fn of(self, facts: &Facts) -> &[u8] {
        match self {
            Self::Name => facts.comm(),
            Self::Exe => facts.exe(),
            Self::Exepath => facts.exepath(),
        }
    }
}

/// How far up a variable is looked for.
const VARIABLE_DEPTH: usize = 20;

impl Processes {
    /// With an index that ancestor's value (0 is the process itself), else those of all from the
    /// parent upward.
    pub(super) fn of_ancestor<'a>(
        &'a self,
        place: u32,
        key: &Key,
        arena: &'a Arena,
        value: fn(&'a Facts) -> &'a [u8],
    ) -> Option<Value<'a>> {
        if let Arg::Index(n) = *key.arg() {
            return Some(Value::Str(value(known(self.nth_ancestor(place, n)?)?)));
        }
        let all = self.facts_above(place).flatten();
        let values = arena.list(all.map(|facts| Value::Str(value(facts))));
        (!values.is_empty()).then_some(Value::List(values))
    }

    pub(super) fn ancestor_pid<'a>(
        &'a self,
        place: u32,
        key: &Key,
        arena: &'a Arena,
    ) -> Option<Value<'a>> {
        if let Arg::Index(n) = *key.arg() {
            return Some(pid(self.nth_ancestor(place, n)?.pid));
        }
        let all = self.table.ancestors(place).filter_map(|place| self.table.process(place));
        let values = arena.list(all.map(|process| pid(process.pid)));
        (!values.is_empty()).then_some(Value::List(values))
    }

    /// Without an index those of all ancestors in one text: behind the first that is not empty, a
    /// blank stands before each.
    pub(super) fn ancestor_args<'a>(
        &'a self,
        place: u32,
        key: &Key,
        arena: &'a Arena,
    ) -> Option<Value<'a>> {
        if let Arg::Index(n) = *key.arg() {
            return Some(Value::Str(known(self.nth_ancestor(place, n)?)?.joined_args()));
        }
        if self.is_stranger(place) {
            return None;
        }
        let mut joined: Vec<u8> = Vec::new();
        for facts in self.facts_above(place).flatten() {
            if !joined.is_empty() {
                joined.push(b' ');
            }
            joined.extend_from_slice(facts.joined_args());
        }
        (!joined.is_empty()).then(|| Value::Str(arena.bytes(&joined)))
    }

    /// With a name that variable of the next ancestor that has it, the empty text where none has.
    pub(super) fn ancestor_env<'a>(
        &'a self,
        place: u32,
        key: &Key,
        arena: &'a Arena,
    ) -> Option<Value<'a>> {
        let whole =
            |process: &'a Process| Some(Value::Str(env(known(process)?, &Arg::None, arena)));
        let above = self.table.ancestors(place).filter_map(|place| self.table.process(place));
        match key.arg() {
            Arg::Index(n) => whole(self.nth_ancestor(place, *n)?),
            Arg::Name(_) => {
                let values = above.take(VARIABLE_DEPTH).filter_map(known);
                let mut values = values.map(|facts| env(facts, key.arg(), arena));
                Some(Value::Str(values.find(|value| !value.is_empty()).unwrap_or_default()))
            }
            Arg::None => {
                let values = arena.list(above.filter_map(whole));
                (!values.is_empty()).then_some(Value::List(values))
            }
        }
    }

    /// The oldest of the process and its ancestors whose name ends as shells' names do.
    pub(super) fn login_shell(&self, place: u32) -> Option<u32> {
        if self.is_stranger(place) {
            return None;
        }
        let shell = |facts: &Facts| facts.comm().ends_with(b"sh");
        let itself = self.table.process(place)?;
        let mut found = known(itself).filter(|facts| shell(facts)).map(|_| itself.pid);
        for (place, facts) in self.table.ancestors(place).zip(self.facts_above(place)) {
            if facts.is_some_and(shell) {
                found = self.table.process(place).map(|process| process.pid);
            }
        }
        found
    }

    /// The leader. Where it is gone, or its id means nothing outside its pid namespace, the oldest
    /// ancestor of those in the group that follow upon each other from the parent up; the empty
    /// text if there is none.
    pub(super) fn leader<'a>(&'a self, subject: &Subject<'a>, group: Led, part: Part) -> &'a [u8] {
        let facts = match subject.process.recorded {
            true => self.recorded_leader(subject, group),
            false => self.live_leader(subject, group),
        };
        facts.map_or(b"", |facts| part.of(facts))
    }

    /// The kernel told the leader's id outside the namespace, too.
    fn live_leader<'a>(&'a self, subject: &Subject<'a>, group: Led) -> Option<&'a Facts> {
        let Subject { session, place, .. } = *subject;
        let (outside, inside) = match group {
            Led::Session => {
                (subject.id(&read::SID, session.sid), subject.id(&read::VSID, session.vsid))
            }
            Led::Group => {
                let pgid = subject.id(&read::PGID, session.pgid);
                (pgid, pgid)
            }
            Led::GroupInside => {
                (subject.id(&read::PGID, session.pgid), subject.id(&read::VPGID, session.vpgid))
            }
        };
        let leads = |process: &&Process, id| {
            let own = match group {
                Led::Session => process.session.sid,
                Led::Group | Led::GroupInside => process.session.pgid,
            };
            // A leader leads its own group; another process with this id does not.
            process.pid == id && own.is_none_or(|own| own == id)
        };
        let leader = outside.and_then(|id| {
            let process = self.table.process(self.table.process_of(id)?)?;
            Some(process).filter(|process| leads(process, id))
        });
        if let Some(leader) = leader {
            return known(leader);
        }
        let inside = inside?;
        let above = self.table.ancestors(place).map_while(|place| self.table.process(place));
        let mut members = above.take_while(|it| group.id_in(&it.session) == Some(inside));
        known(members.by_ref().last()?)
    }

    fn recorded_leader<'a>(&'a self, subject: &Subject<'a>, group: Led) -> Option<&'a Facts> {
        let id = group.id_in(subject.session)?;
        let tid = subject.tid();
        let namespaced = subject.session.vtid.is_some_and(|vtid| Some(vtid) != tid);
        let leader = self.table.current(id).and_then(|leader| self.table.thread(leader));
        if let Some(leader) = leader.filter(|_| group == Led::Group || !namespaced) {
            return self.facts_of(leader);
        }
        let members = self.table.ancestors(subject.place).zip(self.facts_above(subject.place));
        let members = members.take_while(|&(place, _)| {
            let session = self.table.process(place).map(|process| &process.session);
            session.and_then(|session| group.id_in(session)) == Some(id)
        });
        members.last()?.1
    }

    /// The main thread's process, or one above it.
    fn nth_ancestor(&self, place: u32, n: u32) -> Option<&Process> {
        if self.is_stranger(place) {
            return None;
        }
        let found = match n.checked_sub(1) {
            None => place,
            Some(above) => self.table.ancestors(place).nth(above as usize)?,
        };
        self.table.process(found)
    }

    /// What each ancestor runs, the parent's first. In recordings a child's parent is a thread,
    /// which may have a name of its own.
    fn facts_above(&self, place: u32) -> impl Iterator<Item = Option<&Facts>> {
        let mut child = place;
        self.table.ancestors(place).map(move |place| {
            let process = self.table.process(place)?;
            let below = std::mem::replace(&mut child, place);
            let thread = process.recorded.then(|| self.table.parent_thread(below)).flatten();
            thread.map_or_else(|| known(process), |thread| self.facts_of(thread))
        })
    }

    pub(super) fn facts_of<'a>(&'a self, thread: &'a Thread) -> Option<&'a Facts> {
        match thread.own.as_deref() {
            Some(own) => Some(&own.facts),
            None => known(self.table.process(thread.process)?),
        }
    }

    fn is_stranger(&self, place: u32) -> bool {
        self.table.process(place).is_some_and(|process| process.stranger)
    }
}

impl Led {
    /// The id by which members know each other.
    fn id_in(self, session: &Session) -> Option<u32> {
        match self {
            Self::Session => session.vsid,
            Self::Group => session.pgid,
            Self::GroupInside => session.vpgid,
        }
    }
}
