//! What a system call did: its params as text, its result, its descriptor.

mod args;
mod descriptor;
mod event;
mod fd;
mod flows;
mod follow;
mod interfaces;
mod kinds;
mod names;
mod paths;
mod table;

use std::ops::RangeInclusive;
use std::sync::LazyLock;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::enricher::{Enricher, Slot};
use k8srd_core::event::Event;
use k8srd_core::field::{FieldId, FieldInfo, Key, Part};
use k8srd_core::interest::Interest;
use k8srd_core::kind::{KINDS, KindFlags, KindInfo};
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::value::{Lookup, Value};

use crate::read;
use crate::unmarked::Unmarked;
use follow::Followed;
use table::Limits;

/// Answers `evt.*` fields that follow from kind and params (`evt.arg`, `evt.res`, …),
/// `syscall.type`, `fd.*`, `fdlist.*` and `fs.path.*`. It stands behind
/// [`Processes`](crate::process::Processes) and [`Containers`](crate::container::Containers), whose
/// working directory, names and ids it reads.
///
/// By default it keeps no state: of a descriptor it tells what the event at hand does. That is
/// everything for events that open files, and for those of a live source, which asks the kernel
/// (`ctx.fd.*`). From a source that gives every event
/// that makes, changes or closes descriptors, such as a recording, it may keep a table of them
/// ([`SyscallFieldsBuilder::descriptors`]). Then it answers for all events, and what is
/// asked of the table as a whole (`proc.fdopencount`, `fd.types`, …).
///
/// From a source that sees connections and not processes, such as a packet capture, it takes who is
/// client and who is server ([`SyscallFieldsBuilder::flows`]).
///
/// Names of files are lexical, as Falco's: what the program said, made absolute. Seen in the
/// [`Resolved`](k8srd_core::event::Reading::Resolved) reading, fields that follow the path tell the
/// kernel's name instead; `fd.realpath` always does.
#[derive(Debug, Default)]
pub struct SyscallFields {
    followed: Option<Box<Followed>>,
    /// Whether the source sees connections only.
    flows: bool,
}

/// How many descriptors of one process are kept, as in Falco.
pub const DEFAULT_DESCRIPTORS: usize = 4_096;
/// The default of [`SyscallFieldsBuilder::memory`]: 128 MiB.
pub const DEFAULT_MEMORY: usize = 128 << 20;

/// What happened to the table of descriptors so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DescriptorCounts {
    /// Processes in the table now.
    pub processes: u64,
    /// Bytes of descriptors and their names in the table now.
    pub memory: u64,
    /// Processes whose descriptors were forgotten before they ended, because a bound was reached.
    pub evicted: u64,
    /// Descriptors that were not taken in, because their process had too many.
    pub refused: u64,
    /// Calls whose arguments at their beginning were forgotten before they returned, because a bound
    /// was reached.
    pub forgotten_calls: u64,
}

/// Puts a [`SyscallFields`] together.
#[derive(Clone, Debug)]
#[must_use]
pub struct SyscallFieldsBuilder {
    follows: bool,
    flows: bool,
    limits: Limits,
}

impl SyscallFields {
    /// By default it keeps no table.
    pub fn builder() -> SyscallFieldsBuilder {
        SyscallFieldsBuilder {
            follows: false,
            flows: false,
            limits: Limits {
                threads: crate::process::DEFAULT_THREADS,
                descriptors: DEFAULT_DESCRIPTORS,
                bytes: DEFAULT_MEMORY,
            },
        }
    }

    /// What happened so far; zeros where no table is kept.
    pub fn counts(&self) -> DescriptorCounts {
        let Some(followed) = &self.followed else { return DescriptorCounts::default() };
        let table = followed.table();
        DescriptorCounts {
            processes: table.len() as u64,
            memory: table.bytes() as u64,
            evicted: table.evicted(),
            refused: table.refused(),
            forgotten_calls: followed.forgotten_calls(),
        }
    }
}

impl SyscallFieldsBuilder {
    /// Keeps a table of open descriptors. Only for a source whose events tell all that happens to
    /// them: a table that misses the closing of files fills with what is no longer there.
    pub fn descriptors(mut self) -> Self {
        self.follows = true;
        self
    }

    /// Takes from the source which end acts (`fd.is_server`) and whether a socket has a new name
    /// (`fd.name_changed`), and answers what else a connection is. What needs a process
    /// is answered by nobody then. No table is kept.
    pub fn flows(mut self) -> Self {
        self.flows = true;
        self
    }

    /// Most threads whose descriptors are known (at least 16). Past it, processes that did nothing
    /// for longest are forgotten.
    pub fn threads(mut self, threads: usize) -> Self {
        self.limits.threads = threads.max(16);
        self
    }

    /// Most bytes of descriptors and their names. What calls that have not returned were told may
    /// take an eighth of that besides.
    pub fn memory(mut self, bytes: usize) -> Self {
        self.limits.bytes = bytes;
        self
    }

    /// The enricher.
    pub fn build(self) -> SyscallFields {
        let Self { follows, flows, limits } = self;
        let follows = follows && !flows;
        SyscallFields { followed: follows.then(|| Box::new(Followed::new(limits))), flows }
    }
}

impl Default for SyscallFieldsBuilder {
    fn default() -> Self {
        SyscallFields::builder()
    }
}

/// All that a row gives to this part.
static PROVIDED: LazyLock<FieldSet> = LazyLock::new(|| own().map(|info| info.id).collect());

/// What an event tells without a table.
static TOLD: LazyLock<FieldSet> =
    LazyLock::new(|| own().map(|info| info.id).filter(|id| !needs_table(*id)).collect());

fn own() -> impl Iterator<Item = &'static FieldInfo> {
    field::FIELDS.iter().filter(|info| info.answered_by == Part::SyscallFields)
}

fn needs_table(id: FieldId) -> bool {
    use field as f;
    let polled =
        [f::FDLIST_NAMES, f::FDLIST_CIPS, f::FDLIST_SIPS, f::FDLIST_CPORTS, f::FDLIST_SPORTS];
    let standard = [
        f::PROC_STDIN_TYPE,
        f::PROC_STDOUT_TYPE,
        f::PROC_STDERR_TYPE,
        f::PROC_STDIN_NAME,
        f::PROC_STDOUT_NAME,
        f::PROC_STDERR_NAME,
    ];
    let others = [f::FD_TYPES, f::PROC_FDOPENCOUNT, f::PROC_FDUSAGE];
    polled.contains(&id) || standard.contains(&id) || others.contains(&id)
}

impl Enricher for SyscallFields {
    fn provides(&self) -> &FieldSet {
        match &self.followed {
            _ if self.flows => &flows::PROVIDED,
            Some(_) => &PROVIDED,
            None => &TOLD,
        }
    }

    fn demand(&mut self, wanted: &FieldSet) -> Interest {
        let mut fields = FieldSet::default();
        let texts = [field::EVT_ARG, field::EVT_ARGS, field::EVT_INFO];
        if texts.iter().any(|&text| wanted.contains(text)) {
            fields.extend([
                field::PROC_NAME,
                field::PROC_PNAME,
                field::PROC_SNAME,
                field::USER_NAME,
                field::USER_LOGINNAME,
                field::GROUP_NAME,
            ]);
        }
        let follows = self.followed.is_some();
        if follows || !fields.is_empty() || wanted.iter().any(is_about_files) {
            fields.extend([
                field::PROC_CWD,
                field::CTX_PATH_BASE,
                field::CTX_PATH_BASE2,
                field::CTX_PATH_REAL,
                field::CTX_SOCK_TYPE,
                field::CTX_SOCK_PROTOCOL,
            ]);
        }
        if follows || !fields.is_empty() || wanted.iter().any(is_of_descriptor) {
            fields.extend([
                field::CTX_FD_NUM,
                field::CTX_FD_TYPE,
                field::CTX_FD_NAME,
                field::CTX_FD_DEV,
                field::CTX_FD_INO,
                field::CTX_FD_LIP,
                field::CTX_FD_LPORT,
                field::CTX_FD_RIP,
                field::CTX_FD_RPORT,
                field::CTX_FD_SOCK,
                field::CTX_FD_PEER,
            ]);
        }
        let named = [field::FD_CONTAINERNAME, field::FD_CONTAINERDIRECTORY];
        if follows || named.iter().any(|&id| wanted.contains(id)) {
            fields.extend([field::CONTAINER_ID, field::CONTAINER_IP]);
        }
        if wanted.contains(field::EVT_CPU) {
            fields.extend([field::CTX_CPU]);
        }
        if wanted.contains(field::PROC_FDUSAGE) {
            fields.extend([field::PROC_FDLIMIT]);
        }
        if self.flows {
            fields.extend(flows::TAKEN);
        }
        if !follows {
            return Interest::new(KindSet::default(), fields);
        }
        fields.extend([field::CTX_TID, field::CTX_PID, field::CTX_START_TIME, field::PROC_PID]);
        fields.extend([field::CTX_CHILD_TID, field::CTX_CHILD_PID]);
        Interest::new(FOLLOWED.clone(), fields)
    }

    fn observe(&mut self, event: &dyn Event, arena: &Arena) {
        if let Some(followed) = &mut self.followed {
            let unmarked = Unmarked::of(event);
            let event = unmarked.as_ref().map_or(event, |unmarked| unmarked);
            followed.observe(event, arena);
        }
    }

    fn settle(&mut self, event: &dyn Event, arena: &Arena) {
        if let Some(followed) = &mut self.followed {
            followed.settle(event, arena);
        }
    }

    fn locate(&self, _event: &dyn Event, _arena: &Arena) -> Lookup<Slot> {
        Lookup::Known(Slot(0))
    }

    fn get<'a>(
        &'a self,
        _slot: Slot,
        event: &'a dyn Event,
        key: &Key,
        arena: &'a Arena,
    ) -> Lookup<Value<'a>> {
        let Some(info) = KindInfo::of(event.kind()) else { return Lookup::Absent };
        let flows = self.flows;
        let followed = self.followed.as_deref().filter(|_| {
            // A recording of a live source has what the kernel told: it is judged as the live run was.
            needs_table(key.field()) || event.get(&read::START_TIME, arena).known().is_none()
        });
        Context { event, info, arena, followed, flows }.value(key).into()
    }
}

/// Kinds that change descriptors, or whose they are.
static FOLLOWED: LazyLock<KindSet> = LazyLock::new(|| {
    let changes = |info: &KindInfo| {
        let flags = [KindFlags::CREATES_FD, KindFlags::DESTROYS_FD, KindFlags::USES_FD];
        let modifies = info.flags.contains(KindFlags::MODIFIES_STATE);
        modifies || flags.iter().any(|&flag| info.flags.contains(flag))
    };
    let told = KINDS.iter().filter(|info| changes(info)).map(|info| info.kind);
    told.collect()
});

// Ids of a class follow each other.
const DESCRIPTOR: RangeInclusive<FieldId> = field::FD_NUM..=field::FD_TYPES;
const POLLED: RangeInclusive<FieldId> = field::FDLIST_NUMS..=field::FDLIST_SPORTS;
const FILE_SYSTEM: RangeInclusive<FieldId> = field::FS_PATH_NAME..=field::FS_PATH_TARGETRAW;

fn is_about_files(id: FieldId) -> bool {
    let classes = [DESCRIPTOR, POLLED, FILE_SYSTEM];
    id == field::EVT_ABSPATH || classes.iter().any(|class| class.contains(&id))
}

/// What follows from the type of a descriptor.
fn is_of_descriptor(id: FieldId) -> bool {
    let by_type = [
        field::EVT_CATEGORY,
        field::EVT_BUFLEN,
        field::EVT_IS_SYSLOG,
        field::EVT_COUNT_ERROR_FILE,
        field::EVT_COUNT_ERROR_NET,
        field::EVT_COUNT_ERROR_OTHER,
    ];
    DESCRIPTOR.contains(&id) || by_type.contains(&id)
}

/// An event with all that its fields are answered from.
#[derive(Clone, Copy)]
struct Context<'a> {
    event: &'a dyn Event,
    info: &'static KindInfo,
    arena: &'a Arena,
    followed: Option<&'a Followed>,
    flows: bool,
}

impl<'a> Context<'a> {
    fn value(&self, key: &Key) -> Option<Value<'a>> {
        let id = key.field();
        match id {
            id if DESCRIPTOR.contains(&id) => self.descriptor()?.field(key),
            id if FILE_SYSTEM.contains(&id) => self.fs_path(id).map(Value::Str),
            id if POLLED.contains(&id) => self.polled_field(id),
            _ => self.event_field(key).or_else(|| self.process_field(id)),
        }
    }
}

#[cfg(test)]
mod tests;
