//! State of processes from recordings of Falco's, whose events tell no more than the thread's id.
//!
//! What such an event means is what the events before it, and the rows at the start, left behind,
//! so the calls that change it are followed: each as Falco follows it, gaps and quirks included,
//! because a rule judged on a recording should say what it says there. Facts:
//! `userspace/libsinsp/parsers.cpp` of falcosecurity/libs.
//!
//! Not followed, as in Falco: `setpgid` (a group is told by the next exec) and `prctl` with
//! `PR_SET_NAME` (a new name is told by the next clone).

mod calls;
mod family;
mod params;

use k8srd_core::arena::Arena;
use k8srd_core::event::{Event, Task};
use k8srd_core::kind::EventKind;

use super::Processes;
use super::ended::Gone;
use super::facts::{Facts, Program};
use super::start::StartTime;
use super::state::{Life, Memory};
use super::table::NewProcess;
use params::Told;

pub(crate) use calls::CpuTime;
pub(crate) use params::{Params, kind};

/// Whether all that an event tells of its thread is the id.
pub(super) fn tells_only_id(task: &Task) -> bool {
    is_row(task) && task.pid.is_none()
}

/// Whether what is told of a thread is no more than what rows of captures tell.
pub(super) fn is_row(task: &Task) -> bool {
    task.exec_id.is_none() && task.start_time.is_none()
}

/// Whether events of this kind, or rows, tell of users and groups.
pub(super) fn tells_accounts(kind: EventKind) -> bool {
    kind.falco_code().is_some_and(|code| (354..=360).contains(&code))
}

/// What Falco says where it knows nothing.
const UNKNOWN: &[u8] = b"<NA>";

impl Processes {
    /// Learns from an event that tells only the thread's id.
    pub(super) fn follow(&mut self, tid: u32, event: &dyn Event, arena: &Arena) {
        self.table.settle_rows();
        let told = Told { event, arena };
        let kind = event.kind();
        if kind == kind::SWITCH {
            self.ran = self.ran_before_switch(told);
        }
        let thread = match kind {
            kind::CLONE | kind::FORK | kind::VFORK | kind::CLONE3 => {
                self.cloned(tid, told);
                return;
            }
            // The thread has ended, or may be one of the kernel's: nobody new is met.
            kind::PROCEXIT | kind::SWITCH => self.table.current(tid),
            _ if is_beside(kind) => {
                self.told_beside(tid, kind, told);
                return;
            }
            _ => self.table.current(tid).or_else(|| self.stranger(tid, event)),
        };
        let Some(thread) = thread else { return };
        self.seen(thread, event);
        match kind {
            kind::EXECVE | kind::EXECVEAT => self.executed(thread, told),
            kind::PROCEXIT => self.table.mark_ended(thread),
            _ => self.called(thread, kind, told),
        }
    }

    /// A thread's end was matched.
    pub(super) fn removed(&mut self, tid: u32, event: &dyn Event, arena: &Arena) {
        let told = Told { event, arena };
        let Some(thread) = self.table.current(tid) else { return };
        let process = self.table.thread(thread).and_then(|it| self.table.process(it.process));
        let parent = process.and_then(|process| process.ppid);
        self.gone.insert(tid, parent, event.time());
        let reaper = told.id(&self.params.exit_reaper).filter(|&reaper| reaper > 0);
        self.table.remove_recorded(thread, reaper);
    }

    /// Another recording begins: its processes are others.
    pub(super) fn begin_anew(&mut self) {
        self.table.clear();
        self.users.forget_told();
        self.gone = Gone::default();
        self.switches.clear();
    }

    fn seen(&mut self, thread: u32, event: &dyn Event) {
        let process = self.table.thread(thread).map(|thread| thread.process);
        if let Some(process) = process.and_then(|place| self.table.process_mut(place)) {
            process.last_seen = event.time();
        }
    }

    /// A thread of which nothing was told. Falco answers for it all the same.
    fn stranger(&mut self, tid: u32, event: &dyn Event) -> Option<u32> {
        self.counts.missed_starts += 1;
        let place = self.table.add_process(NewProcess::recorded(tid, None, event.time()));
        let process = self.table.process_mut(place)?;
        process.stranger = true;
        process.reaper = false;
        process.complete = true;
        process.life = Life { memory: Some(Memory::default()), ..Life::default() };
        let program = Program { comm: UNKNOWN, exe: UNKNOWN, ..Program::default() };
        self.table.set_facts(place, Facts::new(program));
        self.table.current(tid)
    }
}

/// Whether events of this kind are no deed of the thread that they name.
fn is_beside(kind: EventKind) -> bool {
    let kind = match kind.falco_code() {
        Some(code) => EventKind(code),
        None => return true,
    };
    matches!(
        kind,
        kind::DROP_ENTRY
            | kind::DROP
            | kind::SCAPEVENT
            | kind::PROCINFO
            | kind::CPU_HOTPLUG
            | kind::NOTIFICATION
            | kind::INFRASTRUCTURE
            | kind::PAGE_FAULT
            | kind::PLUGIN
            | kind::CONTAINER
            | kind::USER_ADDED
            | kind::USER_DELETED
            | kind::GROUP_ADDED
            | kind::GROUP_DELETED
            | kind::ASYNC
    )
}

#[cfg(test)]
mod tests;
