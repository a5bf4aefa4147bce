//! System calls: one row for each kind that has arguments worth telling, and what the kernel's side
//! is to do for it.
//!
//! A row says how the arguments are read (which becomes a [`Plan`] in a map of the programs), and
//! how each param of the kind follows from what was read. The numbers of all calls are in
//! `numbers.rs`. A call without a row is told too: its kind, its result, its registers.

mod descriptor;
mod file;
mod general;
mod kernel;
mod memory;
mod numbers;
mod process;
mod socket;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use k8srd_core::arena::Arena;
use k8srd_core::kind::{EventKind, KINDS};
use k8srd_core::value::Value;
use zerocopy::FromZeros;

use crate::abi::{
    Context, KIND_CODES, KIND_FIRST_CALL, KIND_PLACES, PLANS, Plan, Read, SNAP_MAX, SYSCALLS, form,
    plan, read,
};
use crate::record::Called;
use numbers::NUMBERS;

/// The numbers of a call: for programs of this architecture, and for its 32-bit programs.
struct Numbers {
    name: &'static str,
    native: &'static [u16],
    narrow: &'static [u16],
}

/// i386's one call for sockets, and what its numbers stand for (`include/uapi/linux/net.h`).
const SOCKETCALL: (usize, &[&str]) = if cfg!(target_arch = "x86_64") {
    (
        102,
        &[
            "",
            "socket",
            "bind",
            "connect",
            "listen",
            "accept",
            "getsockname",
            "getpeername",
            "socketpair",
            "send",
            "recv",
            "sendto",
            "recvfrom",
            "shutdown",
            "setsockopt",
            "getsockopt",
            "sendmsg",
            "recvmsg",
            "accept4",
            "recvmmsg",
            "sendmmsg",
        ],
    )
} else {
    (0, &[])
};
/// In the filter: which kind it is follows from an argument.
const LOOK_FURTHER: u32 = u16::MAX as u32;

/// i386's mmap takes its arguments from memory (`sys_old_mmap`).
const PACKED: Option<(&str, u16)> =
    if cfg!(target_arch = "x86_64") { Some(("mmap", 90)) } else { None };

/// These do not return: no exit is seen of them.
const NEVER_RETURN: [&str; 2] = ["exit", "exit_group"];

/// How one param of a kind follows from a record. Arguments, texts and structs count from 0.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Make {
    /// What the call returned.
    Result,
    /// The same, where it cannot fail.
    Unsigned32Result,
    /// The same, where it is an address.
    AddressResult,
    /// An argument that is a signed number of 32 bits: a descriptor, a process.
    Int(u8),
    /// One of 32 bits.
    Uint(u8),
    /// One of 8 bits.
    Byte(u8),
    /// One as wide as the register.
    Long(u8),
    /// A position in a file: of 32-bit callers two arguments, the low half first.
    Position(u8),
    /// The same, in a pair of registers that arm wants to begin at an even one.
    PairedPosition(u8),
    /// An argument, told as Falco tells it.
    As(u8, fn(u64) -> u32),
    /// A number that stands for nothing.
    Zero,
    /// A text.
    Text(u8),
    /// A text that is there only if the call succeeded.
    FilledText(u8),
    /// The beginning of a buffer.
    Data,
    /// A buffer that is there only if the call succeeded, with something.
    FilledData,
    /// The control data of a message.
    Control,
    /// What the vectors hold; what a pointed length says.
    Total,
    /// The number of bytes that came; none of a call that failed.
    Received,
    /// The address as given.
    Address,
    /// Both ends of a socket, the caller's first; if the call did not fail.
    Sender,
    /// Both ends, the caller's last.
    Receiver,
    /// Anything else.
    Of(for<'a> fn(&Called<'a>, &Context, &'a Arena) -> Option<Value<'a>>),
}

/// A row: a kind, how its arguments are read, how its params follow.
#[derive(Debug)]
pub(crate) struct Call {
    name: &'static str,
    form: u8,
    plan: Plan,
    /// The facts of the descriptor are needed for params, not only where they are asked for.
    needs: u32,
    pub(crate) params: &'static [Make],
}

const NOTHING: Read =
    Read { when: 0, arg: 0, len: 0, how: 0, directory: 0, size: 0, compat_size: 0 };
const ALWAYS: u64 = u64::MAX;

/// A row in which nothing is read.
const fn call(name: &'static str, params: &'static [Make]) -> Call {
    let plan = Plan {
        kind: 0,
        form: form::CALL,
        descriptor: 0,
        flags: 0,
        snap: 0,
        when_arg: 0,
        when_shift: 0,
        reserved: 0,
        text: [NOTHING; 3],
        addr: NOTHING,
        data: NOTHING,
        fixed: [NOTHING; 2],
    };
    Call { name, form: form::CALL, plan, needs: 0, params }
}

/// A row of a kind whose records have another body.
const fn of_form(name: &'static str, form: u8) -> Call {
    Call { form, ..call(name, &[]) }
}

impl Call {
    /// Which of the texts are names that start from a directory.
    pub(crate) fn names(&self) -> impl Iterator<Item = usize> + use<> {
        let texts = self.plan.text;
        (0..texts.len()).filter(move |&at| texts.get(at).is_some_and(|it| it.directory != 0))
    }
}

/// Each method names what is read. Arguments count from 0.
impl Call {
    const fn next_text(mut self, read: Read) -> Self {
        let mut i = 0;
        while self.plan.text[i].arg != 0 {
            i += 1;
        }
        self.plan.text[i] = read;
        self
    }

    const fn next_struct(mut self, read: Read) -> Self {
        let mut i = 0;
        while self.plan.fixed[i].arg != 0 {
            i += 1;
        }
        self.plan.fixed[i] = read;
        self
    }

    /// A text.
    const fn text(self, arg: u8) -> Self {
        self.next_text(Read { when: ALWAYS, arg: arg + 1, ..NOTHING })
    }

    /// A text for these values of the argument that decides.
    const fn text_if(self, arg: u8, when: u64) -> Self {
        self.next_text(Read { when, arg: arg + 1, ..NOTHING })
    }

    /// A name that starts from the working directory.
    const fn path(self, arg: u8) -> Self {
        let directory = plan::DIRECTORY_WORKING;
        self.next_text(Read { when: ALWAYS, arg: arg + 1, directory, ..NOTHING })
    }

    /// A name that starts from the directory in another argument.
    const fn path_at(self, directory: u8, arg: u8) -> Self {
        let directory = directory + 1;
        self.next_text(Read { when: ALWAYS, arg: arg + 1, directory, ..NOTHING })
    }

    /// The argument that decides what is read, and by how many bits it is shifted for that.
    const fn decides(mut self, arg: u8, shift: u8) -> Self {
        self.plan.when_arg = arg + 1;
        self.plan.when_shift = shift;
        self
    }

    /// The address of a socket: [`read::GIVEN`] or [`read::FILLED`].
    const fn address(mut self, how: u8, arg: u8, len: u8) -> Self {
        self.plan.addr = Read { when: ALWAYS, arg: arg + 1, len: len + 1, how, ..NOTHING };
        self
    }

    /// A buffer, vectors or messages, as [`read`] has them.
    const fn data(self, how: u8, arg: u8, len: u8) -> Self {
        self.data_if(how, arg, len, ALWAYS)
    }

    const fn data_if(mut self, how: u8, arg: u8, len: u8, when: u64) -> Self {
        self.plan.data = Read { when, arg: arg + 1, len: len + 1, how, ..NOTHING };
        self
    }

    /// The buffer is structs of this size, and read as a whole.
    const fn of_structs(mut self, size: u16) -> Self {
        self.plan.data.size = size;
        self.plan.snap = SNAP_MAX as u32;
        self
    }

    /// A struct, with its size for programs of 64 and of 32 bits.
    const fn fixed(self, arg: u8, size: u16, compat_size: u16) -> Self {
        self.fixed_if(arg, size, compat_size, ALWAYS)
    }

    const fn fixed_if(self, arg: u8, size: u16, compat_size: u16, when: u64) -> Self {
        let how = read::STRUCT;
        self.next_struct(Read { when, arg: arg + 1, len: 0, how, directory: 0, size, compat_size })
    }

    /// A struct that the call fills in.
    const fn filled(self, arg: u8, size: u16, compat_size: u16) -> Self {
        let (when, how) = (ALWAYS, read::STRUCT_FILLED);
        self.next_struct(Read { when, arg: arg + 1, len: 0, how, directory: 0, size, compat_size })
    }

    /// The descriptor that the call is about.
    const fn about(mut self, arg: u8) -> Self {
        self.plan.descriptor = arg + 1;
        self
    }

    /// What the call returns is a descriptor.
    const fn makes(mut self) -> Self {
        self.plan.descriptor = plan::DESCRIPTOR_RESULT;
        self
    }

    /// The first struct begins with descriptors.
    const fn makes_two(mut self) -> Self {
        self.plan.descriptor = plan::DESCRIPTOR_FIXED;
        self
    }

    /// Params follow from the facts of the descriptor, or what else these bits of [`plan`] say.
    const fn needs(mut self, flags: u32) -> Self {
        self.needs = flags;
        self
    }
}

const FAMILIES: [&[Call]; 7] = [
    file::CALLS,
    descriptor::CALLS,
    socket::CALLS,
    process::CALLS,
    memory::CALLS,
    kernel::CALLS,
    general::CALLS,
];

/// The row of calls that have none.
const WITHOUT_ROW: Call = call("", general::PARAMS);

/// A row with the code of its kind and the numbers of its call.
struct Entry {
    kind: u16,
    call: &'static Call,
    numbers: &'static Numbers,
}

static ENTRIES: LazyLock<Vec<Entry>> = LazyLock::new(|| {
    static OTHERS: Call = WITHOUT_ROW;
    let kinds: BTreeMap<&str, EventKind> = KINDS
        .iter()
        .filter(|info| !info.kind.is_state())
        .map(|info| (&*info.name, info.kind))
        .collect();
    let rows: BTreeMap<&str, &'static Call> =
        FAMILIES.iter().flat_map(|family| family.iter()).map(|call| (call.name, call)).collect();
    NUMBERS
        .iter()
        .filter(|numbers| !NEVER_RETURN.contains(&numbers.name))
        .filter_map(|numbers| {
            let kind = kinds.get(numbers.name)?.0;
            let call = rows.get(numbers.name).copied().unwrap_or(&OTHERS);
            Some(Entry { kind, call, numbers })
        })
        .collect()
});

/// The place of a kind's row among [`ENTRIES`]: found for each record, so without a search.
static PLACES: LazyLock<Vec<u16>> = LazyLock::new(|| {
    let mut places = vec![u16::MAX; KIND_PLACES as usize];
    for (place, entry) in (0..).zip(ENTRIES.iter()) {
        if let Some(slot) = places.get_mut(place_of(entry.kind)) {
            *slot = place;
        }
    }
    places
});

/// The place of a kind in a table with a row for each.
pub(crate) const fn place_of(kind: u16) -> usize {
    let (calls, first) = (KIND_CODES as usize, KIND_FIRST_CALL);
    if kind < first { kind as usize } else { calls + (kind - first) as usize }
}

/// The row of a kind whose records have the body of a call; `None` if no program writes such.
pub(crate) fn row(kind: u16) -> Option<&'static Call> {
    let place = PLACES.get(place_of(kind)).copied().filter(|&place| place != u16::MAX)?;
    let entry = ENTRIES.get(usize::from(place))?;
    (entry.call.form == form::CALL).then_some(entry.call)
}

/// The number that a kind's call has, for a 32-bit caller or another; the first, if it has two.
pub(crate) fn number(kind: u16, narrow: bool) -> Option<u16> {
    let place = PLACES.get(place_of(kind)).copied()?;
    let numbers = ENTRIES.get(usize::from(place))?.numbers;
    (if narrow { numbers.narrow } else { numbers.native }).first().copied()
}

/// The kinds that are calls. One that this architecture does not have never happens on it.
pub(crate) fn kinds() -> impl Iterator<Item = u16> {
    ENTRIES.iter().map(|entry| entry.kind)
}

/// How much of each call is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Most bytes of a buffer.
    pub(crate) snap: u32,
    /// Whether anyone reads facts of the descriptor, and its path.
    pub(crate) descriptors: bool,
    pub(crate) paths: bool,
    /// Whether anyone reads the directories that names start from.
    pub(crate) bases: bool,
    /// Whether calls about memory that is not to be executed are wanted, too.
    pub(crate) all_memory: bool,
}

impl Depth {
    /// Everything that can be told.
    #[cfg(test)]
    const WHOLE: Self =
        Self { snap: 80, descriptors: true, paths: true, bases: true, all_memory: true };
}

/// What the maps of the programs are to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    /// By the number of a call: the kind in the low half and the kind of a 32-bit call in the high
    /// half; 0 is what nobody asked for.
    pub(crate) kinds: Vec<u32>,
    /// How records are made; all zero is not at all.
    pub(crate) plans: Vec<Plan>,
}

impl Filter {
    /// Lets nothing through.
    pub(crate) fn closed() -> Self {
        Self { kinds: vec![0; SYSCALLS as usize], plans: vec![Plan::new_zeroed(); PLANS as usize] }
    }

    /// Lets through the calls of these kinds.
    pub(crate) fn new(kinds: &[u16], depth: Depth) -> Self {
        let mut filter = Self::closed();
        for entry in ENTRIES.iter().filter(|entry| kinds.contains(&entry.kind)) {
            let Numbers { name, native, narrow } = entry.numbers;
            let plan = entry.plan(depth);
            for &nr in native.iter() {
                filter.set(nr, u32::from(entry.kind), 0, plan);
            }
            for &nr in narrow.iter() {
                let mut plan = plan;
                if PACKED == Some((*name, nr)) {
                    plan.flags |= plan::PACKED;
                }
                filter.set(nr, u32::from(entry.kind) << 16, SYSCALLS, plan);
            }
            let (nr, calls) = SOCKETCALL;
            if let Some(place) = calls.iter().position(|call| call == name) {
                if let Some(slot) = filter.kinds.get_mut(nr) {
                    *slot |= LOOK_FURTHER << 16;
                }
                if let Some(slot) = filter.plans.get_mut(2 * SYSCALLS as usize + place) {
                    *slot = plan;
                }
            }
        }
        filter
    }

    fn set(&mut self, nr: u16, kind: u32, first: u32, plan: Plan) {
        let at = usize::from(nr);
        if let Some(slot) = self.kinds.get_mut(at) {
            *slot |= kind;
            self.plans[first as usize + at] = plan;
        }
    }
}

impl Entry {
    fn plan(&self, depth: Depth) -> Plan {
        let Call { form, mut plan, needs, .. } = *self.call;
        plan.kind = self.kind;
        plan.form = form;
        plan.flags |= needs;
        if plan.snap == 0 {
            plan.snap = depth.snap;
        }
        if depth.all_memory {
            plan.flags &= !(plan::EXECUTABLE | plan::UNBACKED);
        }
        if depth.descriptors && plan.descriptor != 0 {
            plan.flags |= plan::DESCRIPTOR;
        }
        if depth.paths && plan.flags & plan::DESCRIPTOR != 0 {
            plan.flags |= plan::PATH;
        }
        if depth.bases {
            plan.flags |= plan::BASE;
        }
        plan
    }
}

#[cfg(test)]
mod reading;
#[cfg(test)]
mod tests;
