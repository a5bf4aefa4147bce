//! Events made by hand.

use std::sync::{Arc, LazyLock};

use k8srd_core::arena::Arena;
use k8srd_core::catalogue;
use k8srd_core::event::{Event, Fields, Reading, Scope, Stamp, Timestamp};
use k8srd_core::field::{Arg, ArgRule, FieldId, FieldInfo, Key};
use k8srd_core::kind::{EventKind, KindInfo, Origin, ParamInfo};
use k8srd_core::schema::Schema;
use k8srd_core::value::{Lookup, Value};

use crate::value::{Datum, TestValue};

/// An event made by hand: a kind of a schema, and any fields and params by name.
///
/// It says only what it was told; besides, `evt.type`, `evt.source` and the `evt.rawtime` fields
/// follow from its kind and time, as in a pipeline.
///
/// ```
/// use k8srd_testkit::event::TestEvent;
///
/// let event = TestEvent::openat()
///     .param("name", "/etc/shadow")
///     .param("fd", 3)
///     .field("proc.name", "cat")
///     .pending("container.id")
///     .at(1_700_000_000_000_000_000);
/// # let _ = event;
/// ```
#[derive(Clone, Debug)]
pub struct TestEvent {
    schema: Arc<Schema>,
    kind: EventKind,
    time: Timestamp,
    values: Vec<(Key, Lookup<Datum>)>,
    stamps: Vec<(Scope, Stamp)>,
    reading: Reading,
    alternate: Option<Box<TestEvent>>,
}

/// Falco's schema, which most tests share.
static FALCO: LazyLock<Arc<Schema>> = LazyLock::new(|| Arc::new(Schema::falco()));

macro_rules! kinds {
    ($($name:ident)*) => {
        $(#[doc = concat!("A `", stringify!($name), "` of Falco's schema.")]
        pub fn $name() -> Self {
            Self::falco(stringify!($name))
        })*
    };
}

impl TestEvent {
    kinds! { open openat openat2 creat connect execve execveat clone3 fork vfork procexit }

    /// An event of Falco's schema.
    ///
    /// # Panics
    ///
    /// Where there is no such kind.
    pub fn falco(kind: &str) -> Self {
        Self::of(Arc::clone(&FALCO), kind)
    }

    /// As [`TestEvent::falco`], for a kind that comes from outside the test.
    ///
    /// # Errors
    ///
    /// Where there is no such kind.
    pub fn try_falco(kind: &str) -> Result<Self, EventError> {
        Self::try_of(Arc::clone(&FALCO), kind)
    }

    /// An event of a kind that `schema` names.
    ///
    /// # Panics
    ///
    /// Where there is no such kind.
    pub fn of(schema: impl Into<Arc<Schema>>, kind: &str) -> Self {
        built(Self::try_of(schema, kind))
    }

    /// As [`TestEvent::of`], for a kind that comes from outside the test.
    ///
    /// # Errors
    ///
    /// Where there is no such kind.
    pub fn try_of(schema: impl Into<Arc<Schema>>, kind: &str) -> Result<Self, EventError> {
        let schema = schema.into();
        // State kinds have no name for rules, but tests of enrichers make them.
        let info = schema.kinds().iter().find(|info| info.name == kind);
        let kind = info.ok_or_else(|| ErrorKind::UnknownKind(kind.into()))?.kind;
        Ok(Self::of_kind(schema, kind))
    }

    /// The entry of a call of Falco's schema: its arguments as they were before it.
    ///
    /// # Panics
    ///
    /// Where events of this kind do not tell it: today's recordings have the entries of `open`,
    /// `openat`, `openat2`, `creat` and `connect`.
    pub fn entry(kind: &str) -> Self {
        built(Self::try_entry(kind))
    }

    /// As [`TestEvent::entry`], for a kind that comes from outside the test.
    ///
    /// # Errors
    ///
    /// Where events of this kind do not tell it.
    pub fn try_entry(kind: &str) -> Result<Self, EventError> {
        let is_entry = |info: &&KindInfo| {
            info.name == kind
                && info.kind.is_state()
                && info.origin == Origin::Syscall
                && info.is_entry()
        };
        let info = FALCO.kinds().iter().find(is_entry);
        let kind = info.ok_or_else(|| ErrorKind::UnknownEntry(kind.into()))?.kind;
        Ok(Self::of_kind(Arc::clone(&FALCO), kind))
    }

    fn of_kind(schema: Arc<Schema>, kind: EventKind) -> Self {
        Self {
            schema,
            kind,
            time: Timestamp::default(),
            values: Vec::new(),
            stamps: Vec::new(),
            reading: Reading::Given,
            alternate: None,
        }
    }

    /// When it happened, in nanoseconds since 1970.
    #[must_use]
    pub fn at(mut self, nanos: u64) -> Self {
        self.time = Timestamp::from_nanos(nanos);
        self
    }

    /// Gives a field a value. The name may hold an argument, as in conditions:
    /// `proc.aname[2]`, `evt.arg.flags`. A second value replaces the first.
    ///
    /// # Panics
    ///
    /// Where the schema has no such field, or the value is not of its type.
    #[must_use]
    pub fn field(self, name: &str, value: impl Into<TestValue>) -> Self {
        built(self.try_field(name, value))
    }

    /// As [`TestEvent::field`], for a name or value that comes from outside the test.
    ///
    /// # Errors
    ///
    /// Where the schema has no such field, or the value is not of its type.
    pub fn try_field(
        mut self,
        name: &str,
        value: impl Into<TestValue>,
    ) -> Result<Self, EventError> {
        let (key, info) = resolve(&self.schema, name)?;
        let value = value.into();
        let said = format!("{value:?}");
        let datum = value.for_field(info.ty).ok_or_else(|| ErrorKind::WrongType {
            name: name.into(),
            wanted: info.ty.name().into(),
            said,
        })?;
        self.set(key, Lookup::Known(datum));
        Ok(self)
    }

    /// Says that a field's value is on its way.
    ///
    /// # Panics
    ///
    /// Where the schema has no such field.
    #[must_use]
    pub fn pending(self, name: &str) -> Self {
        built(self.try_pending(name))
    }

    /// As [`TestEvent::pending`], for a name that comes from outside the test.
    ///
    /// # Errors
    ///
    /// Where the schema has no such field.
    pub fn try_pending(mut self, name: &str) -> Result<Self, EventError> {
        let (key, _) = resolve(&self.schema, name)?;
        self.set(key, Lookup::Pending);
        Ok(self)
    }

    /// Gives a param of its kind a value.
    ///
    /// # Panics
    ///
    /// Where the kind has no such param, or the value is not of its type.
    #[must_use]
    pub fn param(self, name: &str, value: impl Into<TestValue>) -> Self {
        built(self.try_param(name, value))
    }

    /// As [`TestEvent::param`], for a name or value that comes from outside the test.
    ///
    /// # Errors
    ///
    /// Where the kind has no such param, or the value is not of its type.
    pub fn try_param(
        mut self,
        name: &str,
        value: impl Into<TestValue>,
    ) -> Result<Self, EventError> {
        let (place, param) =
            self.kind_info().and_then(|info| info.param(name)).ok_or_else(|| {
                let kind = self.kind_info().map_or("", |info| &*info.name);
                ErrorKind::UnknownParam { kind: kind.into(), name: name.into() }
            })?;
        let datum = param_datum(param, value.into())?;
        self.set(Key::param(place), Lookup::Known(datum));
        Ok(self)
    }

    /// Claims that nothing of `scope` changes while this stamp stays the same.
    #[must_use]
    pub fn stamp(mut self, scope: Scope, stamp: Stamp) -> Self {
        self.stamps.retain(|&(old, _)| old != scope);
        self.stamps.push((scope, stamp));
        self
    }

    /// The same event under the file's resolved name.
    #[must_use]
    pub fn alternate(mut self, alternate: Self) -> Self {
        self.alternate = Some(Box::new(Self { reading: Reading::Resolved, ..alternate }));
        self
    }

    /// The fields that it was told, without params.
    pub fn fields(&self) -> impl Iterator<Item = FieldId> + '_ {
        self.values.iter().map(|(key, _)| key.field()).filter(|field| field.as_param().is_none())
    }

    pub(crate) fn set(&mut self, key: Key, value: Lookup<Datum>) {
        self.values.retain(|(old, _)| *old != key);
        self.values.push((key, value));
    }

    /// What it was told of params, fields and context.
    #[cfg(feature = "capture")]
    pub(crate) fn told(&self) -> &[(Key, Lookup<Datum>)] {
        &self.values
    }

    pub(crate) fn kind_info(&self) -> Option<&KindInfo> {
        self.schema.kind_info(self.kind)
    }

    /// What follows from kind and time.
    fn implied(&self, key: &Key) -> Lookup<Value<'_>> {
        let nanos = self.time.as_nanos();
        Lookup::Known(match key.field() {
            catalogue::EVT_TYPE => match self.kind_info() {
                Some(info) => Value::from(&*info.name),
                None => return Lookup::Absent,
            },
            catalogue::EVT_SOURCE => Value::from(self.schema.source_name()),
            catalogue::EVT_RAWTIME => Value::U64(nanos),
            catalogue::EVT_RAWTIME_S => Value::U64(nanos / 1_000_000_000),
            catalogue::EVT_RAWTIME_NS => Value::U64(nanos % 1_000_000_000),
            _ => return Lookup::Absent,
        })
    }
}

impl Fields for TestEvent {
    fn get<'a>(&'a self, key: &Key, arena: &'a Arena) -> Lookup<Value<'a>> {
        match self.values.iter().find(|(own, _)| own == key) {
            Some((_, Lookup::Known(datum))) => Lookup::Known(datum.value(arena)),
            Some((_, Lookup::Pending)) => Lookup::Pending,
            Some((_, Lookup::Absent)) => Lookup::Absent,
            None => self.implied(key),
        }
    }
}

impl Event for TestEvent {
    fn kind(&self) -> EventKind {
        self.kind
    }

    fn time(&self) -> Timestamp {
        self.time
    }

    fn stamp(&self, scope: Scope) -> Option<Stamp> {
        self.stamps.iter().find(|&&(own, _)| own == scope).map(|&(_, stamp)| stamp)
    }

    fn reading(&self) -> Reading {
        self.reading
    }

    fn alternate(&self) -> Option<&dyn Event> {
        self.alternate.as_deref().map(|alternate| alternate as &dyn Event)
    }
}

/// Finds `proc.name`, `proc.aname[2]` and `evt.arg.flags`.
fn resolve<'s>(schema: &'s Schema, text: &str) -> Result<(Key, &'s FieldInfo), EventError> {
    let unknown = || ErrorKind::UnknownField { name: text.into() };
    if let Some((name, rest)) = text.split_once('[') {
        let arg = rest.strip_suffix(']').ok_or_else(unknown)?;
        let info = schema.field_named(name).ok_or_else(unknown)?;
        if info.arg == ArgRule::None {
            return Err(ErrorKind::TakesNoArgument { name: name.into() }.into());
        }
        // Events may be written with a param's name in brackets, too.
        let arg = info.arg_form.bracketed(arg).unwrap_or_else(|| Arg::parse(arg));
        return Ok((Key::with_arg(info.id, arg), info));
    }
    if let Some(info) = schema.field_named(text) {
        if info.arg == ArgRule::Required {
            return Err(ErrorKind::NeedsArgument { name: text.into() }.into());
        }
        return Ok((Key::of(info.id), info));
    }
    let (name, arg) = text.rsplit_once('.').ok_or_else(unknown)?;
    let info = schema.field_named(name).filter(|info| info.arg_form.dotted());
    let info = info.ok_or_else(unknown)?;
    Ok((Key::with_arg(info.id, Arg::parse(arg)), info))
}

/// A param's value in the form that it has in events.
pub(crate) fn param_datum(param: &ParamInfo, value: TestValue) -> Result<Datum, EventError> {
    let said = format!("{value:?}");
    let names = || param.flags.iter().map(|(name, _)| *name).collect::<Vec<_>>().join("|");
    let wanted = match param.flags {
        [] => param.ty.name().to_owned(),
        _ => format!("{} ({})", param.ty.name(), names()),
    };
    let name = param.name.into();
    let datum = value.for_param(param);
    datum.ok_or_else(|| ErrorKind::WrongType { name, wanted, said }.into())
}

/// Unwraps what a test built; the panic carries the whole reason and the test's own line.
#[track_caller]
fn built<T>(result: Result<T, EventError>) -> T {
    match result {
        Ok(built) => built,
        Err(error) => panic!("{error}"),
    }
}

/// A test event cannot be made so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(transparent)]
pub struct EventError {
    kind: ErrorKind,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
enum ErrorKind {
    #[error("no kind is named {0:?} in this schema")]
    UnknownKind(String),
    #[error("no recording tells the entry of {0:?}")]
    UnknownEntry(String),
    #[error("no field is named {name:?} in this schema")]
    UnknownField { name: String },
    #[error("the field {name} takes no argument")]
    TakesNoArgument { name: String },
    #[error("the field {name} needs an argument, as in {name}[0]")]
    NeedsArgument { name: String },
    #[error("the kind {kind} has no param {name:?}")]
    UnknownParam { kind: String, name: String },
    #[error("{name} is of type {wanted}, which {said} is not")]
    WrongType { name: String, wanted: String, said: String },
}

impl From<ErrorKind> for EventError {
    fn from(kind: ErrorKind) -> Self {
        Self { kind }
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::field::FieldType;

    use super::*;

    #[test]
    fn says_what_it_was_told_and_what_follows_from_it() {
        let arena = Arena::default();
        let event = TestEvent::openat()
            .param("fd", -2)
            .field("fd.name", "/a")
            .field("fd.name", "/b")
            .field("proc.aname[2]", "init")
            .field("proc.aname", ["sh", "init"])
            .field("evt.arg.flags", "O_RDONLY")
            .pending("container.id")
            .at(3_000_000_007);
        let get = |name: &str| event.get(&resolve(&FALCO, name).unwrap().0, &arena);
        assert_eq!(event.get(&Key::param(0), &arena), Lookup::Known(Value::I64(-2)));
        assert_eq!(get("fd.name"), Lookup::Known("/b".into()));
        assert_eq!(get("proc.aname[2]"), Lookup::Known("init".into()));
        assert_eq!(get("proc.aname[3]"), Lookup::Absent);
        assert_eq!(get("proc.aname"), Lookup::Known(Value::List(&["sh".into(), "init".into()])));
        assert_eq!(get("evt.arg[flags]"), Lookup::Known("O_RDONLY".into()));
        assert_eq!(get("container.id"), Lookup::Pending);
        assert_eq!(get("evt.type"), Lookup::Known("openat".into()));
        assert_eq!(get("evt.source"), Lookup::Known("syscall".into()));
        assert_eq!(get("evt.rawtime.s"), Lookup::Known(Value::U64(3)));
        assert_eq!(get("evt.rawtime.ns"), Lookup::Known(Value::U64(7)));
        assert_eq!(get("proc.name"), Lookup::Absent);
        assert_eq!(event.fields().count(), 5, "params are no fields");
    }

    #[test]
    fn the_alternate_is_the_same_event_under_another_name() {
        let event = TestEvent::open()
            .field("fd.name", "/tmp/link")
            .alternate(TestEvent::open().field("fd.name", "/etc/shadow"));
        let alternate = Event::alternate(&event).unwrap();
        assert_eq!(event.reading(), Reading::Given);
        assert_eq!(alternate.reading(), Reading::Resolved);
        let arena = Arena::default();
        assert_eq!(
            alternate.get(&Key::of(catalogue::FD_NAME), &arena),
            Lookup::Known("/etc/shadow".into())
        );
    }

    #[test]
    fn stamps_are_those_of_their_scope() {
        let stamp = Stamp { slot: 1, generation: 2 };
        let event = TestEvent::open().stamp(Scope::Process, stamp);
        assert_eq!(Event::stamp(&event, Scope::Process), Some(stamp));
        assert_eq!(Event::stamp(&event, Scope::Thread), None);
    }

    #[test]
    fn a_schema_of_ones_own_works_too() {
        let schema =
            Schema::new().source("shop").kind("payment").field("payment.amount", FieldType::Uint);
        let event = TestEvent::of(schema, "payment").field("payment.amount", 5);
        assert_eq!(
            event.get(&Key::of(FieldId::custom(0)), &Arena::default()),
            Lookup::Known(Value::U64(5))
        );
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_reason() {
        let refused = |result: Result<TestEvent, EventError>| result.unwrap_err().to_string();
        let open = TestEvent::open;
        assert_eq!(
            refused(TestEvent::try_of(Schema::falco(), "opent")),
            "no kind is named \"opent\" in this schema"
        );
        assert_eq!(
            refused(open().try_field("fd.nam", 1)),
            "no field is named \"fd.nam\" in this schema"
        );
        assert_eq!(
            refused(open().try_field("fd.num", "x")),
            "fd.num is of type signed integer, which Bytes([120]) is not"
        );
        assert_eq!(refused(open().try_field("fd.num[1]", 1)), "the field fd.num takes no argument");
        assert_eq!(
            refused(open().try_field("evt.arg", "x")),
            "the field evt.arg needs an argument, as in evt.arg[0]"
        );
        assert_eq!(refused(open().try_param("dirfd", 1)), "the kind open has no param \"dirfd\"");
        assert_eq!(
            refused(open().try_field("proc.aname[2", "x")),
            "no field is named \"proc.aname[2\" in this schema"
        );
    }
}
