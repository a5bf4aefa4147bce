//! Where the params of the calls stand that state is kept from: found by name once.

use k8srd_core::arena::Arena;
use k8srd_core::event::Event;
use k8srd_core::field::Key;
use k8srd_core::kind::EventKind;
use k8srd_core::value::Value;

use crate::process::start::StartTime;
use crate::process::state::{Life, Memory};
use crate::read;

/// Kinds, where the core has no constant of its own or to be named in the table below.
pub(crate) mod kind {
    use super::EventKind;

    macro_rules! kinds {
        ($($name:ident $code:literal;)*) => {
            $(pub(crate) const $name: EventKind = EventKind($code);)*
        };
    }

    kinds! {
        GETCWD 93; CHDIR 95; FCHDIR 97; GETRLIMIT 141; SETRLIMIT 143; PRLIMIT 145; DROP_ENTRY 148; DROP 149;
        SWITCH 152; BRK 159; MMAP 161; MMAP2 163; MUNMAP 165; PROCEXIT 186; SETRESUID 193;
        SETRESGID 195; SCAPEVENT 196; SETUID 199; SETGID 201; CLONE 223; FORK 225; VFORK 227;
        PROCINFO 234; SETNS 241; CPU_HOTPLUG 244; SETSID 275; NOTIFICATION 280; UNSHARE 285;
        INFRASTRUCTURE 286; PAGE_FAULT 290; EXECVE 293; PLUGIN 322; CONTAINER 324; EXECVEAT 331;
        CLONE3 335; CAPSET 353; USER_ADDED 354; USER_DELETED 356; GROUP_ADDED 358;
        GROUP_DELETED 360; PRCTL 401; ASYNC 402; SETREUID 427; SETREGID 429;
    }
    pub(crate) const TASK: EventKind = EventKind::TASK;
}

macro_rules! params {
    ($($name:ident $kind:ident.$param:literal;)*) => {
        /// Keys of params.
        #[derive(Debug)]
        pub(crate) struct Params {
            $(pub(super) $name: Option<Key>,)*
            pub(super) clone_memory: MemoryParams,
            pub(super) exec_memory: MemoryParams,
            pub(super) task_memory: MemoryParams,
            pub(super) switch_memory: MemoryParams,
            pub(super) brk_memory: MemoryParams,
            pub(super) mmap_memory: MemoryParams,
        }

        impl Params {
            pub(crate) fn new() -> Self {
                Self {
                    $($name: read::param(kind::$kind, $param),)*
                    clone_memory: MemoryParams::new(kind::CLONE),
                    exec_memory: MemoryParams::new(kind::EXECVE),
                    task_memory: MemoryParams::new(kind::TASK),
                    switch_memory: MemoryParams::new(kind::SWITCH),
                    brk_memory: MemoryParams::new(kind::BRK),
                    // mmap2 and munmap have them in the same places.
                    mmap_memory: MemoryParams::new(kind::MMAP),
                }
            }
        }
    };
}

params! {
    // clone3, fork and vfork have the same.
    clone_result CLONE."res";
    clone_exe CLONE."exe";
    clone_args CLONE."args";
    clone_pid CLONE."pid";
    clone_ptid CLONE."ptid";
    clone_fdlimit CLONE."fdlimit";
    clone_comm CLONE."comm";
    clone_cgroups CLONE."cgroups";
    clone_flags CLONE."flags";
    clone_uid CLONE."uid";
    clone_gid CLONE."gid";
    clone_vtid CLONE."vtid";
    clone_vpid CLONE."vpid";
    clone_namespace_start CLONE."pidns_init_start_ts";
    // execveat has the same, but for the name.
    exec_pid EXECVE."pid";
    exec_ptid EXECVE."ptid";
    exec_comm EXECVE."comm";
    exec_exe EXECVE."exe";
    exec_args EXECVE."args";
    exec_env EXECVE."env";
    exec_exepath EXECVE."trusted_exepath";
    exec_filename EXECVE."filename";
    exec_flags EXECVE."flags";
    exec_ino EXECVE."exe_ino";
    exec_ino_ctime EXECVE."exe_ino_ctime";
    exec_ino_mtime EXECVE."exe_ino_mtime";
    exec_fdlimit EXECVE."fdlimit";
    exec_cgroups EXECVE."cgroups";
    exec_uid EXECVE."uid";
    exec_gid EXECVE."gid";
    exec_loginuid EXECVE."loginuid";
    exec_tty EXECVE."tty";
    exec_pgid EXECVE."pgid";
    exec_vpgid EXECVE."vpgid";
    exec_cap_effective EXECVE."cap_effective";
    exec_cap_permitted EXECVE."cap_permitted";
    exec_cap_inheritable EXECVE."cap_inheritable";
    task_fdlimit TASK."fdlimit";
    task_namespace_start TASK."pidns_init_start_ts";
    chdir_result CHDIR."res";
    chdir_path CHDIR."path";
    fchdir_result FCHDIR."res";
    getcwd_result GETCWD."res";
    getcwd_path GETCWD."path";
    rlimit_result SETRLIMIT."res";
    rlimit_cur SETRLIMIT."cur";
    rlimit_resource SETRLIMIT."resource";
    prlimit_result PRLIMIT."res";
    prlimit_cur PRLIMIT."newcur";
    prlimit_pid PRLIMIT."pid";
    prlimit_resource PRLIMIT."resource";
    setresuid_euid SETRESUID."euid";
    setreuid_euid SETREUID."euid";
    setuid_uid SETUID."uid";
    setresgid_egid SETRESGID."egid";
    setregid_egid SETREGID."egid";
    setgid_gid SETGID."gid";
    // Of all six calls above.
    setid_result SETUID."res";
    setsid_result SETSID."res";
    capset_result CAPSET."res";
    capset_inheritable CAPSET."cap_inheritable";
    capset_permitted CAPSET."cap_permitted";
    capset_effective CAPSET."cap_effective";
    unshare_result UNSHARE."res";
    unshare_flags UNSHARE."flags";
    setns_result SETNS."res";
    setns_flags SETNS."nstype";
    prctl_result PRCTL."res";
    prctl_option PRCTL."option";
    prctl_value PRCTL."arg2_int";
    exit_reaper PROCEXIT."reaper_tid";
    procinfo_user PROCINFO."cpu_usr";
    procinfo_system PROCINFO."cpu_sys";
    user_uid USER_ADDED."uid";
    user_name USER_ADDED."name";
    user_home USER_ADDED."home";
    user_shell USER_ADDED."shell";
    user_container USER_ADDED."container_id";
    group_gid GROUP_ADDED."gid";
    group_name GROUP_ADDED."name";
    group_container GROUP_ADDED."container_id";
}

/// What live records tell of counts and times. They count time after boot.
impl Params {
    pub(in crate::process) fn live_row(
        &self,
        life: Life,
        event: &dyn Event,
        arena: &Arena,
    ) -> Life {
        let told = Told { event, arena };
        Life {
            fdlimit: told.limit(&self.task_fdlimit).or(life.fdlimit),
            memory: self.task_memory.told(&told).or(life.memory),
            namespace_start: told.since_1970(told.uint(&self.task_namespace_start)),
            ..life
        }
    }

    /// `vpid` is the child's: the first of a pid namespace starts it.
    pub(in crate::process) fn live_fork(
        &self,
        life: Life,
        vpid: Option<u32>,
        event: &dyn Event,
        arena: &Arena,
    ) -> Life {
        let told = Told { event, arena };
        let start = match vpid {
            Some(1) => read::uint(event, &read::CHILD_START_TIME, arena),
            _ => told.uint(&self.clone_namespace_start),
        };
        Life {
            fdlimit: told.limit(&self.clone_fdlimit).or(life.fdlimit),
            memory: self.clone_memory.told(&told).or(life.memory),
            namespace_start: told.since_1970(start),
            ..life
        }
    }

    pub(in crate::process) fn live_exec(
        &self,
        life: Life,
        start: StartTime,
        event: &dyn Event,
        arena: &Arena,
    ) -> Life {
        let told = Told { event, arena };
        let life = Life {
            fdlimit: told.limit(&self.exec_fdlimit).or(life.fdlimit),
            memory: self.exec_memory.told(&told).or(life.memory),
            ..life
        };
        let started = told.since_1970(start.0);
        match told.uint(&self.exec_ino_ctime).filter(|&changed| changed != 0) {
            Some(changed) => life.with_inode(changed, started),
            None => life,
        }
    }
}

/// Sizes and page faults, as far as a kind has them.
#[derive(Debug)]
pub(crate) struct MemoryParams {
    size: Option<Key>,
    resident: Option<Key>,
    swapped: Option<Key>,
    major_faults: Option<Key>,
    minor_faults: Option<Key>,
}

impl MemoryParams {
    fn new(kind: EventKind) -> Self {
        Self {
            size: read::param(kind, "vm_size"),
            resident: read::param(kind, "vm_rss"),
            swapped: read::param(kind, "vm_swap"),
            major_faults: read::param(kind, "pgft_maj"),
            minor_faults: read::param(kind, "pgft_min"),
        }
    }

    /// What an event tells, if it does.
    fn told(&self, told: &Told<'_>) -> Option<Memory> {
        told.uint(&self.size).map(|_| self.over(Memory::default(), told))
    }

    /// What the event tells instead of `known`.
    pub(super) fn over(&self, known: Memory, told: &Told<'_>) -> Memory {
        let Self { size, resident, swapped, major_faults, minor_faults } = self;
        Memory {
            size: told.id(size).unwrap_or(known.size),
            resident: told.id(resident).unwrap_or(known.resident),
            swapped: told.id(swapped).unwrap_or(known.swapped),
            major_faults: told.uint(major_faults).unwrap_or(known.major_faults),
            minor_faults: told.uint(minor_faults).unwrap_or(known.minor_faults),
        }
    }
}

/// An event, asked by keys that its kind may not have.
#[derive(Clone, Copy)]
pub(crate) struct Told<'e> {
    pub(super) event: &'e dyn Event,
    pub(super) arena: &'e Arena,
}

impl<'e> Told<'e> {
    pub(super) fn uint(&self, key: &Option<Key>) -> Option<u64> {
        read::uint(self.event, key.as_ref()?, self.arena)
    }

    pub(super) fn int(&self, key: &Option<Key>) -> Option<i64> {
        read::int(self.event, key.as_ref()?, self.arena)
    }

    /// A time after boot as nanoseconds since 1970.
    fn since_1970(&self, after_boot: Option<u64>) -> Option<u64> {
        self.boot_time()?.checked_add(after_boot?)
    }

    /// When the machine was booted, nanoseconds since 1970.
    pub(super) fn boot_time(&self) -> Option<u64> {
        let since = read::uint(self.event, &read::BOOT_TIME, self.arena)?;
        self.event.time().as_nanos().checked_sub(since)
    }

    /// A limit; where there is none, -1.
    pub(super) fn limit(&self, key: &Option<Key>) -> Option<i64> {
        match self.event.get(key.as_ref()?, self.arena).known()? {
            Value::I64(limit) => Some(limit),
            Value::U64(limit) => Some(limit as i64),
            _ => None,
        }
    }

    /// An id that is not negative.
    pub(super) fn id(&self, key: &Option<Key>) -> Option<u32> {
        read::id(self.event, key.as_ref()?, self.arena)
    }

    /// The id of a user or group: where it is told as -1, which means none or the same as before,
    /// Falco keeps that.
    pub(super) fn account(&self, key: &Option<Key>) -> Option<u32> {
        match self.int(key)? {
            -1 => Some(u32::MAX),
            id => u32::try_from(id).ok(),
        }
    }

    /// Text or a buffer, if there is any.
    pub(super) fn text(&self, key: &Option<Key>) -> Option<&'e [u8]> {
        let text = read::bytes(self.event, key.as_ref()?, self.arena)?;
        (!text.is_empty()).then_some(text)
    }
}
