//! What a recorder of k8srd's leaves out on purpose, and how a recording says so.
//!
//! The record is one of k8srd's own, as a [context](crate::context): Falco's readers skip it. It stands
//! before all that it speaks of. Its first param is the form, each further one the name of something that
//! was left out. A newer version only adds names; a reader that does not know one still says it.

use std::collections::BTreeSet;
use std::fmt;
use std::str;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::{Arg, Key};
use k8srd_core::kind::{KindClass, KindFlags, KindInfo, ParamInfo, ParamType};

use crate::context::CODE;
use crate::record::{Record, RecordBuf};

/// The first param: whose code it is, and the form.
const FORM: &[u8] = b"k8srd.omits.1";
/// How the forms of all versions begin.
const FORMS: &[u8] = b"k8srd.omits.";
/// Most bytes of a name.
const LONGEST: usize = 32;
/// How many names are kept that are not known here.
const MOST_UNKNOWN: usize = 16;
/// The name of params that hold an environment.
const ENV: &str = "env";

/// Something that a [`Recorder`](crate::Recorder) records on demand only.
///
/// ```
/// use k8srd_capture::Omission;
/// use k8srd_core::catalogue as field;
/// use k8srd_core::field::{Arg, Key};
/// use k8srd_core::kind::{EventKind, KindInfo};
///
/// let data = Key::with_arg(field::EVT_ARG, Arg::Name("data".into()));
/// let write = KindInfo::of(EventKind(9)).unwrap();
/// assert!(Omission::Buffers.affects(write, &data));
/// assert!(!Omission::Env.affects(write, &data));
/// assert!(Omission::Env.affects(write, &Key::of(field::PROC_ENV)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Omission {
    /// The environments of processes.
    Env,
    /// What is read and written.
    Buffers,
    /// Events of kinds of the class [`KindClass::Io`].
    Io,
    /// Events of kinds of the class [`KindClass::Routine`].
    Routine,
}

impl Omission {
    /// All that this version knows.
    pub const ALL: &'static [Self] = &[Self::Env, Self::Buffers, Self::Io, Self::Routine];

    /// Its name in recordings.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Env => "env",
            Self::Buffers => "buffers",
            Self::Io => KindClass::Io.name(),
            Self::Routine => KindClass::Routine.name(),
        }
    }

    fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|omission| omission.name() == name)
    }

    /// Whether it is all events of a kind. Those without which later ones are not understood are
    /// always recorded.
    ///
    /// ```
    /// use k8srd_capture::Omission;
    /// use k8srd_core::kind::{EventKind, KindInfo};
    ///
    /// let [write, close] = [9, 5].map(|code| KindInfo::of(EventKind(code)).unwrap());
    /// assert!(Omission::Io.spans(write));
    /// assert!(!Omission::Io.spans(close), "after it, the descriptor is another");
    /// ```
    pub fn spans(self, kind: &KindInfo) -> bool {
        let class = match self {
            Self::Env | Self::Buffers => return false,
            Self::Io => KindClass::Io,
            Self::Routine => KindClass::Routine,
        };
        kind.class() == Some(class) && !kind.flags.contains(KindFlags::MODIFIES_STATE)
    }

    /// Whether a param of a kind holds it, and is not recorded without it.
    pub fn covers(self, kind: &KindInfo, param: &ParamInfo) -> bool {
        let does = |flag| kind.flags.contains(flag);
        match (self, param.ty) {
            // Only what may be one is looked at by name.
            (Self::Env, ParamType::Bytes | ParamType::StrArray) => param.name == ENV,
            (Self::Buffers, ParamType::Bytes) => {
                does(KindFlags::READS_FROM_FD) || does(KindFlags::WRITES_TO_FD)
            }
            _ => false,
        }
    }

    /// Whether there is some of it in what an event tells. A source that knows what nobody asks for
    /// does not tell events that are left out as a whole.
    pub(crate) fn is_told_by(self, event: &dyn Event, arena: &Arena) -> bool {
        if matches!(self, Self::Io | Self::Routine) {
            return true;
        }
        let Some(info) = KindInfo::of(event.kind()) else { return false };
        let holds = |place| {
            let value = event.get(&Key::param(place), arena).known();
            value.and_then(|value| value.as_bytes()).is_some_and(|bytes| !bytes.is_empty())
        };
        let mut params = (0..).zip(info.params.iter());
        params.any(|(place, param)| self.covers(info, param) && holds(place))
    }

    /// Whether a field says something else of a recorded event of a kind than it would have said if this had
    /// been recorded: nothing, or less.
    ///
    /// `evt.args` and `evt.info` are among these where one of the params is: their text has it, and
    /// a rule may look for it there. `evt.buflen` is not, nor is `evt.arg.size`: how much was read or
    /// written is a number of its own.
    pub fn affects(self, kind: &KindInfo, key: &Key) -> bool {
        let covers = |param: &ParamInfo| self.covers(kind, param);
        let at = |place: usize| kind.params.get(place).is_some_and(covers);
        let called = |name: &str| kind.param(name).is_some_and(|(_, param)| covers(param));
        match (key.field(), key.arg()) {
            // Of a process, whatever it does.
            (field::PROC_ENV | field::PROC_AENV, _) => self == Self::Env,
            (field::EVT_BUFFER, _) => called("data"),
            (field::EVT_ARG | field::EVT_RAWARG, Arg::Name(name)) => called(name),
            (field::EVT_ARG | field::EVT_RAWARG, Arg::Index(place)) => {
                usize::try_from(*place).is_ok_and(at)
            }
            (field::EVT_ARGS | field::EVT_INFO, _) => kind.params.iter().any(covers),
            (id, _) => id.as_param().is_some_and(|place| at(place.into())),
        }
    }
}

/// In words, behind "without".
impl fmt::Display for Omission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Env => "environments",
            Self::Buffers => "what is read and written",
            Self::Io => "reads, writes and the like",
            Self::Routine => "routine calls",
        })
    }
}

/// A recorder's word that it left something out of all that follows in the section.
#[derive(Clone, Copy, Debug)]
pub struct Omitted<'a>(Record<'a>);

impl<'a> Omitted<'a> {
    /// What a record says of that, if it is one that does.
    pub(crate) fn of(record: Record<'a>) -> Result<Option<Self>, String> {
        if record.code != CODE || record.param(0) != Some(FORM) {
            return Ok(None);
        }
        match names(record).find(|name| !is_name(name)) {
            None => Ok(Some(Self(record))),
            Some(name) => {
                let name = String::from_utf8_lossy(name.get(..LONGEST).unwrap_or(name));
                Err(format!(
                    "the record of what was left out has {name:?}, where names have 1 to {LONGEST} \
                     of a-z, 0-9, '-', '_' and '.'"
                ))
            }
        }
    }

    /// Whether a record says it in a form that a newer version brought.
    pub(crate) fn is_newer(record: &Record<'_>) -> bool {
        let form = record.param(0).filter(|_| record.code == CODE);
        form.is_some_and(|form| form.starts_with(FORMS) && form != FORM)
    }

    /// The record that holds it.
    pub(crate) fn record(&self) -> Record<'a> {
        self.0
    }

    /// The names of what was left out, those that only a newer version knows among them.
    pub fn names(&self) -> impl Iterator<Item = &'a str> {
        // All were looked at.
        names(self.0).filter_map(|name| str::from_utf8(name).ok())
    }
}

fn names<'a>(record: Record<'a>) -> impl Iterator<Item = &'a [u8]> {
    (1..record.len()).map(move |place| record.param(place).unwrap_or_default())
}

fn is_name(name: &[u8]) -> bool {
    let fits = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
    (1..=LONGEST).contains(&name.len()) && name.iter().all(fits)
}

/// Puts into `out` that this is left out from `event` on.
pub(crate) fn encode<'a>(
    omissions: impl Iterator<Item = Omission>,
    event: &dyn Event,
    arena: &Arena,
    out: &'a mut RecordBuf,
) -> Omitted<'a> {
    out.begin_for(event, CODE, arena);
    out.push(FORM);
    omissions.for_each(|omission| out.push(omission.name().as_bytes()));
    Omitted(out.record())
}

/// What was left out of a recording on purpose, as far as the recording says so. Nothing, where nobody
/// says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Omissions {
    known: BTreeSet<Omission>,
    unknown: BTreeSet<Box<str>>,
    unnamed: u64,
}

impl Omissions {
    /// What is known here.
    pub fn known(&self) -> impl Iterator<Item = Omission> {
        self.known.iter().copied()
    }

    /// The names of what only a newer version knows, sorted: the first 16 that were met.
    pub fn unknown(&self) -> impl Iterator<Item = &str> {
        self.unknown.iter().map(|name| &**name)
    }

    /// How often something was left out that cannot be named here: a newer version told it in another
    /// form, or there are too many names.
    pub fn unnamed(&self) -> u64 {
        self.unnamed
    }

    pub(crate) fn add(&mut self, omitted: &Omitted<'_>) {
        let Self { known, unknown, unnamed } = self;
        for name in omitted.names() {
            if let Some(omission) = Omission::named(name) {
                known.insert(omission);
            } else if !unknown.contains(name) {
                if unknown.len() < MOST_UNKNOWN {
                    unknown.insert(name.into());
                } else {
                    *unnamed += 1;
                }
            }
        }
    }

    pub(crate) fn add_unnamed(&mut self) {
        self.unnamed += 1;
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::field::FieldId;
    use k8srd_core::kind::{EventKind, KINDS};

    use super::*;

    /// The kinds of which a key says something else without these.
    fn affected(omission: Omission, key: &Key) -> Vec<&'static str> {
        let kinds = KINDS.iter().filter(|info| !info.kind.is_state());
        let mut names: Vec<&str> =
            kinds.filter(|info| omission.affects(info, key)).map(|info| &*info.name).collect();
        names.dedup();
        names
    }

    fn arg(field: FieldId, text: &str) -> Key {
        Key::with_arg(field, Arg::parse(text))
    }

    #[test]
    fn fields_are_affected_on_the_kinds_that_lose_a_param() {
        const IO: [&str; 14] = [
            "read", "write", "send", "sendto", "recv", "recvfrom", "sendmsg", "sendmmsg",
            "recvmsg", "recvmmsg", "pread", "pwrite", "readv", "writev",
        ];
        let io = [&IO[..], &["preadv", "pwritev"]].concat();
        for key in [
            Key::of(field::EVT_BUFFER),
            Key::of(field::EVT_ARGS),
            Key::of(field::EVT_INFO),
            arg(field::EVT_ARG, "data"),
            arg(field::EVT_RAWARG, "data"),
        ] {
            assert_eq!(affected(Omission::Buffers, &key), io, "{key:?}");
        }
        let execs = ["execve", "execveat"];
        for key in [
            Key::of(field::EVT_ARGS),
            Key::of(field::EVT_INFO),
            arg(field::EVT_ARG, "env"),
            arg(field::EVT_RAWARG, "env"),
        ] {
            assert_eq!(affected(Omission::Env, &key), execs, "{key:?}");
        }
        // A place is of each kind what it is there.
        let kind = |code| KindInfo::of(EventKind(code)).unwrap();
        assert!(Omission::Buffers.affects(kind(9), &arg(field::EVT_ARG, "1")));
        assert!(!Omission::Buffers.affects(kind(9), &arg(field::EVT_ARG, "2")));
        assert!(!Omission::Buffers.affects(kind(3), &arg(field::EVT_ARG, "1")));
        assert!(!Omission::Buffers.affects(kind(9), &arg(field::EVT_ARG, "4294967295")));
        assert!(Omission::Buffers.affects(kind(9), &Key::param(1)));
        assert!(!Omission::Buffers.affects(kind(9), &Key::param(0)));
    }

    #[test]
    fn an_environment_is_missed_whatever_the_process_does() {
        let judged = KINDS.iter().filter(|info| !info.kind.is_state());
        for info in judged {
            for key in [Key::of(field::PROC_ENV), arg(field::PROC_AENV, "HOME")] {
                assert!(Omission::Env.affects(info, &key), "{}", info.name);
                assert!(!Omission::Buffers.affects(info, &key), "{}", info.name);
            }
        }
    }

    #[test]
    fn what_is_recorded_all_the_same_is_not_affected() {
        for key in [
            Key::of(field::EVT_BUFLEN),
            Key::of(field::PROC_CMDLINE),
            Key::of(field::FD_NAME),
            Key::of(field::EVT_RAWRES),
            arg(field::EVT_ARG, "size"),
            arg(field::EVT_ARG, "args"),
            arg(field::EVT_ARG, "nothing"),
        ] {
            for omission in Omission::ALL {
                assert!(affected(*omission, &key).is_empty(), "{omission}: {key:?}");
            }
        }
    }
}
