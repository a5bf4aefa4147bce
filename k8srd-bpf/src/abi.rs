//! The record layout: what the kernel programs write, as Rust sees it.
//!
//! ```text
//! header (32) | context (208) | body of the kind | tail
//! ```
//!
//! One table, `bpf/layout.h`, says where each field lies. C expands it into static assertions, and
//! the constants below are evaluated from the same text, so a struct that differs from the table
//! does not compile, on either side. [`LAYOUT`] is the table's fingerprint; the shipped object
//! carries the one that it was built with, and the loader refuses another.
//!
//! Records are parsed: read a [`Header`] with [`zerocopy::FromBytes`], check `abi`, `kind` and
//! `size`, then context and body, then resolve each [`Part`] with [`Part::of`]. Every bit pattern is
//! a valid value of every struct here, and none of them has padding (the derives prove both).
//!
//! Ids are those of the initial pid and user namespaces, ids that begin with `v` those of the task's
//! own pid namespace. Times are nanoseconds since boot (`CLOCK_BOOTTIME`) unless said otherwise.

mod table;

use std::mem::{offset_of, size_of};

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

use table::{field, field_count, fnv1a, row_count, rows, size, value};

#[cfg(target_endian = "big")]
compile_error!(
    "records are little-endian and no kernel object is shipped for a big-endian machine"
);

/// `bpf/layout.h`, read in constant evaluation.
const TABLE: &[u8] = include_bytes!("../bpf/layout.h");

/// Where each of its rows begins. Found once: constant evaluation is slow, and a search of the whole
/// text for each constant took 4 s of CPU time in every build of this crate (now 1 s).
const ROWS: [usize; row_count()] = rows();

/// Fingerprint (64-bit FNV-1a) of `bpf/layout.h`: equal in object and loader, or nothing loads.
pub const LAYOUT: u64 = fnv1a(TABLE);

/// Version of the record layout, the `abi` of each record.
pub const ABI: u16 = value("ABI") as u16;

/// Event codes: Falco's, and one of our own. They are what `header.kind` holds.
pub mod kind {
    use super::value;

    /// `open(2)`.
    pub const OPEN: u16 = value("KIND_OPEN") as u16;
    /// `creat(2)`.
    pub const CREAT: u16 = value("KIND_CREAT") as u16;
    /// The end of a thread.
    pub const PROCEXIT: u16 = value("KIND_PROCEXIT") as u16;
    /// `clone(2)`, and a new task whose call is not known.
    pub const CLONE: u16 = value("KIND_CLONE") as u16;
    /// `fork(2)`.
    pub const FORK: u16 = value("KIND_FORK") as u16;
    /// `vfork(2)`.
    pub const VFORK: u16 = value("KIND_VFORK") as u16;
    /// `execve(2)`, and an exec whose call is not known.
    pub const EXECVE: u16 = value("KIND_EXECVE") as u16;
    /// `openat(2)`.
    pub const OPENAT: u16 = value("KIND_OPENAT") as u16;
    /// `openat2(2)`.
    pub const OPENAT2: u16 = value("KIND_OPENAT2") as u16;
    /// `execveat(2)`.
    pub const EXECVEAT: u16 = value("KIND_EXECVEAT") as u16;
    /// `clone3(2)`.
    pub const CLONE3: u16 = value("KIND_CLONE3") as u16;
    /// A row of the task iterator (not an event of Falco's); its body is an [`ExecBody`](super::ExecBody).
    pub const TASK: u16 = value("KIND_TASK") as u16;
}

/// Bits of [`Header::flags`].
///
/// "Path" is the resolved path (of an exec or a task row: of the executable). "Base" is the
/// directory that a relative name starts from (of an exec or a task row: the working directory too).
pub mod flag {
    use super::value;

    /// The name as given is longer than [`PATH_MAX`](super::PATH_MAX); its beginning is there.
    pub const NAME_TRUNCATED: u32 = value("FLAG_NAME_TRUNCATED") as u32;
    /// The arguments are longer than [`ARGS_MAX`](super::ARGS_MAX); their beginning is there.
    pub const ARGS_TRUNCATED: u32 = value("FLAG_ARGS_TRUNCATED") as u32;
    /// The environment is longer than [`ARGS_MAX`](super::ARGS_MAX); its beginning is there.
    pub const ENV_TRUNCATED: u32 = value("FLAG_ENV_TRUNCATED") as u32;
    /// The path is too long or too deep; its end (the file name side) is there.
    pub const PATH_TRUNCATED: u32 = value("FLAG_PATH_TRUNCATED") as u32;
    /// The base directory's path is too long or too deep; its end is there.
    pub const BASE_TRUNCATED: u32 = value("FLAG_BASE_TRUNCATED") as u32;
    /// A cgroup path is too long or too deep; its end is there.
    pub const CGROUP_TRUNCATED: u32 = value("FLAG_CGROUP_TRUNCATED") as u32;
    /// The name (of an exec or open) could not be read from the caller's memory.
    pub const NAME_FAULT: u32 = value("FLAG_NAME_FAULT") as u32;
    /// The arguments, or some of them, could not be read from the caller's memory.
    pub const ARGS_FAULT: u32 = value("FLAG_ARGS_FAULT") as u32;
    /// The environment, or some of it, could not be read from the caller's memory.
    pub const ENV_FAULT: u32 = value("FLAG_ENV_FAULT") as u32;
    /// A structure that an argument points to (socket address, `open_how`) could not be read.
    pub const ADDR_FAULT: u32 = value("FLAG_ADDR_FAULT") as u32;
    /// The file was already unlinked.
    pub const PATH_DELETED: u32 = value("FLAG_PATH_DELETED") as u32;
    /// The base directory was already unlinked.
    pub const BASE_DELETED: u32 = value("FLAG_BASE_DELETED") as u32;
    /// The file lies outside the task's root; the path ends at the top of its mount tree.
    pub const PATH_UNREACHABLE: u32 = value("FLAG_PATH_UNREACHABLE") as u32;
    /// The base directory lies outside the task's root.
    pub const BASE_UNREACHABLE: u32 = value("FLAG_BASE_UNREACHABLE") as u32;
    /// The task was in a 32-bit (or x32) call. Of a lifecycle record: the kind is the family's default.
    pub const COMPAT: u32 = value("FLAG_COMPAT") as u32;
    /// With this thread the whole thread group is gone.
    pub const GROUP_DEAD: u32 = value("FLAG_GROUP_DEAD") as u32;
    /// `clone_flags` were derived from what parent and child share; the caller's were out of reach.
    pub const CLONE_DERIVED: u32 = value("FLAG_CLONE_DERIVED") as u32;
    /// The file has no name in the file system (memfd, pipe, socket): the path is `/` and its label.
    pub const PATH_PSEUDO: u32 = value("FLAG_PATH_PSEUDO") as u32;
    /// A buffer, or what leads to it (vectors, message headers), could not be read.
    pub const DATA_FAULT: u32 = value("FLAG_DATA_FAULT") as u32;
    /// The call has more messages or vectors than were read.
    pub const DATA_TRUNCATED: u32 = value("FLAG_DATA_TRUNCATED") as u32;
    /// Set in user space: the record came after the merge had passed its time.
    pub const LATE: u32 = value("FLAG_LATE") as u32;
}

/// The hook that wrote a record: [`Header::hook`].
pub mod hook {
    use super::value;

    /// Where in [`Header::flags`](super::Header::flags) the hook is.
    pub const SHIFT: u32 = value("HOOK_SHIFT") as u32;
    /// Its bits there.
    pub const MASK: u32 = value("HOOK_MASK") as u32;
    /// `tp_btf/sys_exit`.
    pub const SYS_EXIT: u32 = value("HOOK_SYS_EXIT") as u32;
    /// `tp_btf/sched_process_exec`.
    pub const EXEC: u32 = value("HOOK_EXEC") as u32;
    /// `tp_btf/sched_process_fork`.
    pub const FORK: u32 = value("HOOK_FORK") as u32;
    /// `tp_btf/sched_process_exit`.
    pub const EXIT: u32 = value("HOOK_EXIT") as u32;
    /// `iter.s/task`, or `iter/task` where the kernel has no sleepable iterators.
    pub const ITER: u32 = value("HOOK_ITER") as u32;
    /// `tp_btf/io_uring_complete`, or `io_uring_submit_req` of what tells no completion.
    pub const RING: u32 = value("HOOK_RING") as u32;
}

/// Bits of [`ExecBody::exe_flags`], as Falco's `PPM_EXE_*`.
pub mod exe {
    use super::value;

    /// The task's user may write the executable.
    pub const WRITABLE: u32 = value("EXE_WRITABLE") as u32;
    /// It lies in the upper layer of an overlay: it is not part of the image.
    pub const UPPER_LAYER: u32 = value("EXE_UPPER_LAYER") as u32;
    /// It is a memfd.
    pub const FROM_MEMFD: u32 = value("EXE_FROM_MEMFD") as u32;
    /// It lies in the lower layer of an overlay.
    pub const LOWER_LAYER: u32 = value("EXE_LOWER_LAYER") as u32;
}

/// Values of [`OpenBody::layer`].
pub mod layer {
    use super::value;

    /// Not on an overlay file system.
    pub const NONE: u32 = value("LAYER_NONE") as u32;
    /// The file lies in the upper layer.
    pub const UPPER: u32 = value("LAYER_UPPER") as u32;
    /// The file lies in the lower layer.
    pub const LOWER: u32 = value("LAYER_LOWER") as u32;
}

/// Slots of the per-CPU counters; each counts up for as long as the programs live.
///
/// On each ring and CPU `PRODUCED = records a reader gets + LOST` (and `SHED` of a data ring), and `PRODUCED` is the sequence
/// number of the next record.
pub mod counter {
    use super::value;

    /// Records meant for the lifecycle ring.
    pub const PRODUCED_LIFECYCLE: u32 = value("COUNTER_PRODUCED_LIFECYCLE") as u32;
    /// Records meant for the CPU's data ring.
    pub const PRODUCED_DATA: u32 = value("COUNTER_PRODUCED_DATA") as u32;
    /// Of those for the lifecycle ring: no room.
    pub const LOST_LIFECYCLE: u32 = value("COUNTER_LOST_LIFECYCLE") as u32;
    /// Of those for the data ring: no room.
    pub const LOST_DATA: u32 = value("COUNTER_LOST_DATA") as u32;
    /// Records that lack something the caller's memory did not give.
    pub const COPY_FAULT: u32 = value("COUNTER_COPY_FAULT") as u32;
    /// Paths cut because they were too deep or too long.
    pub const PATH_TOO_DEEP: u32 = value("COUNTER_PATH_TOO_DEEP") as u32;
    /// Names cut at [`PATH_MAX`](super::PATH_MAX).
    pub const NAME_TRUNCATED: u32 = value("COUNTER_NAME_TRUNCATED") as u32;
    /// Argument lists cut at [`ARGS_MAX`](super::ARGS_MAX).
    pub const ARGS_TRUNCATED: u32 = value("COUNTER_ARGS_TRUNCATED") as u32;
    /// Environments cut at [`ARGS_MAX`](super::ARGS_MAX).
    pub const ENV_TRUNCATED: u32 = value("COUNTER_ENV_TRUNCATED") as u32;
    /// 32-bit calls that were seen and whose arguments could not be read.
    pub const COMPAT: u32 = value("COUNTER_COMPAT") as u32;
    /// Records of the agent's own thread group that were left out on purpose.
    pub const OWN: u32 = value("COUNTER_OWN") as u32;
    /// Calls with more messages or vectors than were read.
    pub const DATA_TRUNCATED: u32 = value("COUNTER_DATA_TRUNCATED") as u32;
    /// Records for a data ring that were dropped on purpose, of the first class; a slot for each of
    /// [`SHED_CLASSES`](super::SHED_CLASSES).
    pub const SHED: u32 = value("COUNTER_SHED") as u32;
    /// How many slots there are.
    pub const COUNT: u32 = value("COUNTERS") as u32;
}

/// What writes the record of a call: [`Plan::form`].
pub mod form {
    use super::value;

    /// As the plan says; the body is a [`CallBody`](super::CallBody).
    pub const CALL: u8 = value("FORM_CALL") as u8;
    /// The body is an [`OpenBody`](super::OpenBody).
    pub const OPEN: u8 = value("FORM_OPEN") as u8;
    /// The body is an [`ExecBody`](super::ExecBody); calls that succeed are told by another hook.
    pub const EXEC: u8 = value("FORM_EXEC") as u8;
    /// The body is a [`CloneBody`](super::CloneBody); calls that succeed are told by another hook.
    pub const CLONE: u8 = value("FORM_CLONE") as u8;
}

/// Bits of [`Plan::flags`], and the numbers that stand for no argument.
pub mod plan {
    use super::value;

    /// The arguments are in memory, as 32-bit numbers: at the first argument.
    pub const PACKED: u32 = value("PLAN_PACKED") as u32;
    /// Only if the third argument has `PROT_EXEC`.
    pub const EXECUTABLE: u32 = value("PLAN_EXECUTABLE") as u32;
    /// And only if the memory is anonymous (the fourth argument) or writable.
    pub const UNBACKED: u32 = value("PLAN_UNBACKED") as u32;
    /// With the facts of the descriptor.
    pub const DESCRIPTOR: u32 = value("PLAN_DESCRIPTOR") as u32;
    /// And its path.
    pub const PATH: u32 = value("PLAN_PATH") as u32;
    /// And how many connections wait at the socket that is the first argument.
    pub const QUEUE: u32 = value("PLAN_QUEUE") as u32;
    /// With the directories that relative names start from.
    pub const BASE: u32 = value("PLAN_BASE") as u32;
    /// With what the process uses.
    pub const USAGE: u32 = value("PLAN_USAGE") as u32;

    /// [`Plan::descriptor`](super::Plan::descriptor): what the call returned.
    pub const DESCRIPTOR_RESULT: u8 = value("DESCRIPTOR_RESULT") as u8;
    /// [`Plan::descriptor`](super::Plan::descriptor): the first number of the first struct.
    pub const DESCRIPTOR_FIXED: u8 = value("DESCRIPTOR_FIXED") as u8;
    /// [`Read::directory`](super::Read::directory): the working directory.
    pub const DIRECTORY_WORKING: u8 = value("DIRECTORY_WORKING") as u8;
}

/// How an argument is read: [`Read::how`].
pub mod read {
    use super::value;

    /// An address of as many bytes as argument `len` says.
    pub const GIVEN: u8 = value("READ_GIVEN") as u8;
    /// An address that the call filled in, its length where argument `len` leads.
    pub const FILLED: u8 = value("READ_FILLED") as u8;
    /// A buffer, of which the call took what it returned; if it failed, all of it.
    pub const TAKEN: u8 = value("READ_TAKEN") as u8;
    /// A buffer that the call filled with as many bytes as it returned.
    pub const RESULT: u8 = value("READ_RESULT") as u8;
    /// A buffer of as many bytes (or structs of [`Read::size`](super::Read::size)) as argument `len` says.
    pub const WHOLE: u8 = value("READ_WHOLE") as u8;
    /// A buffer that the call filled in, its length where argument `len` leads.
    pub const POINTED: u8 = value("READ_POINTED") as u8;
    /// As many vectors as argument `len` says, whose bytes are given.
    pub const VECTORS_GIVEN: u8 = value("READ_VECTORS_GIVEN") as u8;
    /// The same, and the call filled them with as many bytes as it returned.
    pub const VECTORS_FILLED: u8 = value("READ_VECTORS_FILLED") as u8;
    /// A message to send.
    pub const MESSAGE_GIVEN: u8 = value("READ_MESSAGE_GIVEN") as u8;
    /// A message that was received.
    pub const MESSAGE_FILLED: u8 = value("READ_MESSAGE_FILLED") as u8;
    /// Messages to send, as many as the call returned, each a record.
    pub const MESSAGES_GIVEN: u8 = value("READ_MESSAGES_GIVEN") as u8;
    /// Messages that were received, each a record.
    pub const MESSAGES_FILLED: u8 = value("READ_MESSAGES_FILLED") as u8;
    /// A struct of [`Read::size`](super::Read::size) bytes.
    pub const STRUCT: u8 = value("READ_STRUCT") as u8;
    /// The same, once the call succeeded.
    pub const STRUCT_FILLED: u8 = value("READ_STRUCT_FILLED") as u8;
}

/// Slots of the map of plans: [`SYSCALLS`] for calls, as many for those of 32-bit callers, then
/// [`SOCKETCALLS`] for what i386's `socketcall` stands for.
pub const PLANS: u32 = value("PLANS") as u32;
/// Numbers of `socketcall`.
pub const SOCKETCALLS: u32 = value("SOCKETCALLS") as u32;
/// Most bytes of a buffer.
pub const SNAP_MAX: usize = value("SNAP_MAX") as usize;
/// Most bytes of a struct.
pub const FIXED_MAX: usize = value("FIXED_MAX") as usize;
/// Messages of one call that become records.
pub const MESSAGES_MAX: usize = value("MESSAGES_MAX") as usize;

/// Slots of the syscall filter: syscall numbers at or above it are never decoded.
pub const SYSCALLS: u32 = value("SYSCALLS") as u32;
/// Classes of kinds that may be dropped on purpose.
pub const SHED_CLASSES: u32 = value("SHED_CLASSES") as u32;
/// Above all codes of Falco's events. In tables with a row for each kind, calls without an event of
/// their own come from here on.
pub const KIND_CODES: u16 = value("KIND_CODES") as u16;
/// Rows of such tables.
pub const KIND_PLACES: u32 = value("KIND_PLACES") as u32;
/// The kind of the first call without an event of its own.
pub const KIND_FIRST_CALL: u16 = value("KIND_FIRST_CALL") as u16;
/// Most bytes of an argument list, and of an environment.
pub const ARGS_MAX: usize = value("ARGS_MAX") as usize;
/// Most bytes of a name or path.
pub const PATH_MAX: usize = value("PATH_MAX") as usize;
/// Most bytes of a cgroup path.
pub const CGROUP_MAX: usize = value("CGROUP_MAX") as usize;
/// Most bytes of a socket address.
pub const SOCKADDR_MAX: usize = value("SOCKADDR_MAX") as usize;
/// Most bytes of a record.
pub const RECORD_MAX: usize = value("RECORD_MAX") as usize;
/// Where each body starts: behind header and context.
pub const BODY: usize = value("BODY") as usize;

/// Declares a struct of the wire and proves, field by field, that it is the one in the table.
macro_rules! wire {
    ($(#[$doc:meta])* $name:ident = $row:literal {
        $($(#[$field_doc:meta])* $field:ident $(= $column:literal)?: $type:ty,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, Immutable, IntoBytes, KnownLayout)]
        #[repr(C)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)*
        }

        const _: () = {
            assert!(size_of::<$name>() == size($row), "size differs from bpf/layout.h");
            let mut fields = 0;
            $(
                let (offset, bytes) = field($row, column!($field $(= $column)?));
                assert!(offset_of!($name, $field) == offset, "offset differs from bpf/layout.h");
                assert!(size_of::<$type>() == bytes, "field size differs from bpf/layout.h");
                fields += 1;
            )*
            assert!(fields == field_count($row), "bpf/layout.h has other fields");
        };
    };
}

/// The column's name: the field's, or another one where that is a Rust keyword.
macro_rules! column {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident = $column:literal) => {
        $column
    };
}

wire! {
    /// The first 32 bytes of every record.
    Header = "header" {
        /// Bytes used, this header included. The ring's reservation is as long or longer.
        size: u32,
        /// [`ABI`].
        abi: u16,
        /// One of [`kind`].
        kind: u16,
        /// When the hook ran, in nanoseconds since boot.
        time: u64,
        /// Number of this record on its ring and CPU, from 0; a gap is a loss.
        seq: u64,
        /// The CPU that wrote it.
        cpu: u32,
        /// Bits of [`flag`], and the [`hook`].
        flags: u32,
    }
}

impl Header {
    /// Which hook wrote the record: one of [`hook`].
    #[must_use]
    pub const fn hook(&self) -> u32 {
        (self.flags >> hook::SHIFT) & hook::MASK
    }
}

wire! {
    /// The task context: who did it, read in the kernel at the moment of the event.
    Context = "context" {
        /// Start of the thread (`task->start_boottime`).
        start_time: u64,
        /// Start of its thread group's leader.
        leader_start_time: u64,
        /// Start of the leader of its parent's thread group.
        parent_start_time: u64,
        /// Start of the init process of its pid namespace.
        pidns_start_time: u64,
        /// Grows with each exec of the thread group (`task->self_exec_id`).
        exec_id: u64,
        /// Inheritable capabilities, bit n is capability n.
        cap_inheritable: u64,
        /// Permitted capabilities.
        cap_permitted: u64,
        /// Effective capabilities.
        cap_effective: u64,
        /// Id of the cgroup on the v2 hierarchy: the inode number of its directory.
        cgroup_id: u64,
        /// Id of the cgroup of a v1 controller (memory, else pids); 0 if there is none.
        cgroup_v1_id: u64,
        /// Thread id.
        tid: u32,
        /// Thread group id: what user space calls the process id.
        tgid: u32,
        /// Thread group id of the parent.
        ppid: u32,
        /// Thread id in the task's pid namespace.
        vtid: u32,
        /// Thread group id in the task's pid namespace.
        vpid: u32,
        /// Process group.
        pgid: u32,
        /// Session.
        sid: u32,
        /// Process group in the task's pid namespace; 0 if it lies outside.
        vpgid: u32,
        /// Session in the task's pid namespace; 0 if it lies outside.
        vsid: u32,
        /// `task->flags` (`PF_KTHREAD` is `0x0020_0000`).
        task_flags: u32,
        /// Real user id.
        uid: u32,
        /// Effective user id.
        euid: u32,
        /// Saved user id.
        suid: u32,
        /// User id for file access.
        fsuid: u32,
        /// Real group id.
        gid: u32,
        /// Effective group id.
        egid: u32,
        /// Saved group id.
        sgid: u32,
        /// Group id for file access.
        fsgid: u32,
        /// Login user id of the audit system; `u32::MAX` if unset.
        loginuid: u32,
        /// Controlling terminal, as `stat(2)` would give its device (32-bit form); 0 if there is none.
        tty: u32,
        /// Mount namespace (inode number, as all of these).
        ns_mnt: u32,
        /// Pid namespace.
        ns_pid: u32,
        /// Network namespace.
        ns_net: u32,
        /// User namespace.
        ns_user: u32,
        /// UTS namespace.
        ns_uts: u32,
        /// IPC namespace.
        ns_ipc: u32,
        /// Cgroup namespace.
        ns_cgroup: u32,
        /// Zero.
        reserved: u32,
        /// `task->comm`, NUL-terminated.
        comm: [u8; 16],
    }
}

wire! {
    /// A stretch of the record's tail.
    Part = "part" {
        /// First byte, counted from the start of the record.
        offset: u16,
        /// Bytes; 0: there is nothing.
        len: u16,
    }
}

impl Part {
    /// The bytes it names, or `None` if they do not lie within `record` (a corrupt record).
    #[must_use]
    pub fn of<'a>(&self, record: &'a [u8]) -> Option<&'a [u8]> {
        let start = usize::from(self.offset);
        record.get(start..start + usize::from(self.len))
    }
}

wire! {
    /// What the process uses.
    Usage = "usage" {
        /// Soft limit of open files; -1 if unlimited.
        fd_limit: i64,
        /// Major page faults of the thread.
        maj_faults: u64,
        /// Minor page faults of the thread.
        min_faults: u64,
        /// Virtual memory, in KiB.
        vm_size: u32,
        /// Resident memory, in KiB (the kernel's approximate count).
        vm_rss: u32,
        /// Swapped memory, in KiB.
        vm_swap: u32,
        /// Zero.
        reserved: u32,
    }
}

wire! {
    /// Body of open, openat, openat2 and creat.
    OpenBody = "open" {
        /// The new file descriptor, or `-errno`.
        res: i64,
        /// The call's flags, the kernel's `O_*`. For creat what it stands for: `O_CREAT|O_WRONLY|O_TRUNC`.
        open_flags: u64,
        /// The `RESOLVE_*` of openat2.
        resolve: u64,
        /// Inode number of what was opened.
        ino: u64,
        /// The call's mode.
        mode: u32,
        /// The call's directory descriptor; `AT_FDCWD` (-100) for open and creat.
        dirfd: i32,
        /// Device of what was opened, in the 32-bit form of `stat(2)`.
        dev: u32,
        /// Type and permissions of what was opened, as in `st_mode`; 0 if nothing was.
        file_mode: u32,
        /// `file->f_mode`; `FMODE_CREATED` (`0x10_0000`) says that the call created the file.
        fmode: u32,
        /// One of [`layer`].
        layer: u32,
        /// The name as given.
        name: Part,
        /// If the name is relative: the path of the directory it starts from.
        base: Part,
        /// The path of what was opened, seen from the task's root.
        path: Part,
        /// Zero.
        reserved: u32,
    }
}

wire! {
    /// Body of any call that has no body of its own. What was not read has a part of offset 0; what
    /// is empty has another offset.
    CallBody = "call" {
        /// What the call returned: a number or `-errno`. Of one of several messages: its length.
        res: i64,
        /// The argument registers. Of a 32-bit caller each holds 32 bits.
        args: [u64; 6],
        /// Bytes in all vectors; or what a pointed length says.
        total: u64,
        /// The descriptor that the call is about, or made; -1 if there is none.
        descriptor: i32,
        /// Texts as given, in the order of the plan.
        text: [Part; 3],
        /// Of a text that is a relative name: the path of the directory it starts from.
        base: [Part; 3],
        /// A `struct sockaddr`.
        addr: Part,
        /// The beginning of a buffer, or of what vectors hold.
        data: Part,
        /// The control data of a message that was received.
        control: Part,
        /// Structs, in the order of the plan.
        fixed: [Part; 2],
        /// A [`Descriptor`].
        about: Part,
        /// A [`Usage`].
        usage: Part,
    }
}

wire! {
    /// What a descriptor is of, read from the kernel's own objects when the call returned.
    Descriptor = "descriptor" {
        /// Inode number.
        ino: u64,
        /// A socket: its kernel address, an opaque id (`struct sock`). 0 if it is none.
        sock: u64,
        /// Unix sockets: that of the peer.
        peer: u64,
        /// Device, in the 32-bit form of `stat(2)`.
        dev: u32,
        /// Type and permissions, as in `st_mode`.
        mode: u32,
        /// `file->f_mode`; `FMODE_CREATED` (`0x10_0000`) says that the call created the file.
        fmode: u32,
        /// Where an overlay keeps the file: one of [`layer`].
        layer: u32,
        /// Of a call that accepted a connection: how many more wait.
        queue_len: u32,
        /// And how many may wait.
        queue_max: u32,
        /// Family of the socket (`AF_*`).
        family: u16,
        /// `SOCK_*`.
        socket_type = "type": u16,
        /// `IPPROTO_*`.
        protocol: u16,
        /// `sk_state` (`TCP_*`).
        state: u16,
        /// Local port, host byte order.
        local_port: u16,
        /// Remote port of the socket, host byte order; 0 if it is not connected.
        remote_port: u16,
        /// What the path turned out to be: cut 1, deleted 2, outside the task's root 4, a label 8.
        what: u32,
        /// Local address: 16 bytes for IPv6, the first 4 for IPv4.
        local_addr: [u8; 16],
        /// Remote address of the socket, in the same form.
        remote_addr: [u8; 16],
        /// The path of a file, seen from the task's root; of what has no name in a file system, `/`
        /// and its label.
        path: Part,
        /// Unix sockets: the bound name, without its terminator; an abstract one begins with NUL.
        local_path: Part,
        /// Unix sockets: the peer's bound name.
        remote_path: Part,
        /// Magic number of the file system.
        magic: u32,
    }
}

wire! {
    /// How one argument of a call is read. Arguments count from 1; 0 is none.
    Read = "read" {
        /// For which values of the plan's `when_arg`, a bit each.
        when: u64,
        /// The argument.
        arg: u8,
        /// The argument with the length.
        len: u8,
        /// One of [`read`].
        how: u8,
        /// Of a name: the argument with the directory it starts from, or the working directory.
        directory: u8,
        /// Bytes of a struct.
        size: u16,
        /// The same for 32-bit callers.
        compat_size: u16,
    }
}

wire! {
    /// How a call becomes a record. User space writes it into the map `plans`.
    Plan = "plan" {
        /// The kind to report.
        kind: u16,
        /// One of [`form`].
        form: u8,
        /// The descriptor that the call is about.
        descriptor: u8,
        /// Bits of [`plan`].
        flags: u32,
        /// Most bytes of a buffer.
        snap: u32,
        /// The argument that decides what is read.
        when_arg: u8,
        /// By how many bits it is shifted; its last six bits then count.
        when_shift: u8,
        /// Zero.
        reserved: u16,
        /// Texts.
        text: [Read; 3],
        /// The address of a socket.
        addr: Read,
        /// A buffer, vectors or messages.
        data: Read,
        /// Structs.
        fixed: [Read; 2],
    }
}

wire! {
    /// Body of execve, execveat, and of a task row ([`kind::TASK`]).
    ///
    /// A failed call has what it was given (`filename`, `args`, `env`, `dirfd`, `base`) and the
    /// executable that the task goes on with.
    ExecBody = "exec" {
        /// 0 or `-errno`.
        res: i64,
        /// Inode number of the executable.
        exe_ino: u64,
        /// Its status change time, nanoseconds since the epoch.
        exe_ctime: u64,
        /// Its modification time, nanoseconds since the epoch.
        exe_mtime: u64,
        /// Its device, in the 32-bit form of `stat(2)`.
        exe_dev: u32,
        /// Bits of [`exe`].
        exe_flags: u32,
        /// Thread id before the exec; differs from the context's when it was not the leader's. 0 in a task row.
        old_tid: u32,
        /// Directory descriptor of a failed execveat; else `AT_FDCWD`.
        dirfd: i32,
        /// `AT_*` flags of a failed execveat.
        at_flags: u32,
        /// True size of the argument list in bytes, of which `args` has at most [`ARGS_MAX`].
        /// Of a failed call: what could be counted.
        args_size: u32,
        /// True size of the environment in bytes.
        env_size: u32,
        /// Zero.
        reserved: u32,
        /// What the process uses.
        usage: Usage,
        /// The file as given; execveat with a directory reads `/dev/fd/<dirfd>/<name>`. Empty in a task row.
        filename: Part,
        /// Path of the executable, seen from the task's root.
        exepath: Part,
        /// Working directory.
        cwd: Part,
        /// Failed execveat with a relative name: the path of the directory it starts from.
        base: Part,
        /// Arguments, each NUL-terminated.
        args: Part,
        /// Environment, each entry NUL-terminated.
        env: Part,
        /// Cgroup path on the v2 hierarchy.
        cgroup: Part,
        /// Cgroup path of a v1 controller, if there is one.
        cgroup_v1: Part,
    }
}

wire! {
    /// Body of clone, fork, vfork and clone3: one record for a new task (the record's context is its
    /// creator's), or one for a call that failed.
    CloneBody = "clone" {
        /// The new task's id in the creator's pid namespace, or `-errno`.
        res: i64,
        /// The kernel's `CLONE_*`, without the exit signal.
        clone_flags: u64,
        /// Signal to the parent at the child's end.
        exit_signal: u32,
        /// Zero.
        reserved: u32,
        /// What the new task uses.
        usage: Usage,
        /// The new task's own context; all zero if the call failed.
        child: Context,
        /// The new task's cgroup path on the v2 hierarchy.
        cgroup: Part,
        /// The new task's cgroup path of a v1 controller.
        cgroup_v1: Part,
    }
}

wire! {
    /// Body of procexit: the end of one thread.
    ExitBody = "procexit" {
        /// `task->exit_code`: what `waitpid(2)` gives.
        status: u32,
        /// Thread that its children go to; 0 if it has none.
        reaper_tid: u32,
        /// Threads of its group that are still alive.
        threads_left: u32,
        /// Zero.
        reserved: u32,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_those_of_the_table() {
        assert_eq!((kind::OPENAT, kind::EXECVE, kind::TASK), (307, 293, 0xff01));
        assert_eq!(BODY, size_of::<Header>() + size_of::<Context>());
        assert_eq!(counter::COUNT, counter::SHED + SHED_CLASSES);
    }

    #[test]
    fn a_part_outside_the_record_is_nothing() {
        let record = [1_u8, 2, 3, 4];
        assert_eq!(Part { offset: 1, len: 2 }.of(&record), Some(&record[1..3]));
        assert_eq!(Part { offset: 4, len: 0 }.of(&record), Some(&record[4..]));
        assert_eq!(Part { offset: 3, len: 2 }.of(&record), None);
        assert_eq!(Part { offset: u16::MAX, len: u16::MAX }.of(&record), None);
    }

    #[test]
    fn the_hook_is_part_of_the_flags() {
        let header = Header {
            size: 0,
            abi: ABI,
            kind: kind::EXECVE,
            time: 0,
            seq: 0,
            cpu: 0,
            flags: (hook::ITER << 28) | flag::LATE,
        };
        assert_eq!(header.hook(), hook::ITER);
    }
}
