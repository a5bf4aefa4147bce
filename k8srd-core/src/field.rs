//! Fields: what can be asked of an event, and how a rule names it.

use std::borrow::Cow;
use std::fmt;

use crate::event::Scope;
use crate::kind::EventKind;

/// A field as a small integer; no name is compared while events flow.
///
/// Ids below [`FieldId::PARAMS`] are an event's own params, by place. Catalogue fields follow;
/// fields of a schema of one's own start at [`FieldId::FIRST_CUSTOM`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub(crate) u16);

impl FieldId {
    /// How many ids are set aside for params.
    pub const PARAMS: u16 = 64;
    /// The first id that [`Schema::field`](crate::schema::Schema::field) gives; the next field
    /// gets the next id.
    pub const FIRST_CUSTOM: u16 = 4096;

    /// The `n`th field that was added to a schema of one's own, counted from 0.
    pub const fn custom(n: u16) -> Self {
        Self(Self::FIRST_CUSTOM + n)
    }

    /// The `n`th param of an event's kind, counted from 0.
    ///
    /// # Panics
    ///
    /// Where `n` is [`FieldId::PARAMS`] or more; no kind has as many.
    pub const fn param(n: u8) -> Self {
        assert!((n as u16) < Self::PARAMS, "no kind has so many params");
        Self(n as u16)
    }

    /// The place of the param that this is, if it is one.
    pub const fn as_param(self) -> Option<u8> {
        if self.0 < Self::PARAMS { Some(self.0 as u8) } else { None }
    }
}

/// What a rule asks for: a field and its argument. Resolved once, at load.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    field: FieldId,
    arg: Arg,
}

impl Key {
    /// The `n`th param of the event, as recorded.
    pub const fn param(n: u8) -> Self {
        Self::of(FieldId::param(n))
    }

    /// A field without argument.
    pub const fn of(field: FieldId) -> Self {
        Self { field, arg: Arg::None }
    }

    /// A field with an argument.
    pub const fn with_arg(field: FieldId, arg: Arg) -> Self {
        Self { field, arg }
    }

    /// The field.
    pub const fn field(&self) -> FieldId {
        self.field
    }

    /// The argument.
    pub const fn arg(&self) -> &Arg {
        &self.arg
    }
}

/// A field's argument: `proc.aname[2]`, `evt.arg.flags`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed: the grammar has no other argument")]
pub enum Arg {
    /// No argument.
    None,
    /// A number.
    Index(u32),
    /// A name.
    Name(Box<str>),
}

impl Arg {
    /// Reads an argument's text: a number if it is one.
    pub fn parse(text: &str) -> Self {
        match text.parse() {
            Ok(index) if text.bytes().all(|b| b.is_ascii_digit()) => Self::Index(index),
            _ => Self::Name(text.into()),
        }
    }
}

impl fmt::Display for Arg {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => Ok(()),
            Self::Index(index) => write!(f, "[{index}]"),
            Self::Name(name) => write!(f, "[{name}]"),
        }
    }
}

/// What values a field has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldType {
    /// `true` or `false`.
    Bool,
    /// A signed integer.
    Int,
    /// An unsigned integer.
    Uint,
    /// A floating-point number.
    Double,
    /// Text.
    Str,
    /// A path: text that `pmatch` and path readings understand.
    Path,
    /// A buffer.
    Bytes,
    /// An IP address.
    Ip,
    /// An IP address that is compared with networks.
    Net,
    /// A TCP or UDP port.
    Port,
    /// A point in time, nanoseconds since 1970.
    AbsTime,
    /// A duration in nanoseconds.
    RelTime,
    /// What the param of this name is, which differs between kinds (`evt.rawarg`).
    Dynamic,
}

impl FieldType {
    /// The type's name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bool => "boolean",
            Self::Int => "signed integer",
            Self::Uint => "unsigned integer",
            Self::Double => "number",
            Self::Str => "text",
            Self::Path => "path",
            Self::Bytes => "bytes",
            Self::Ip => "IP address",
            Self::Net => "IP network",
            Self::Port => "port",
            Self::AbsTime => "time",
            Self::RelTime => "duration",
            Self::Dynamic => "dynamic",
        }
    }
}

/// Whether a field takes an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: there is no fourth rule")]
pub enum ArgRule {
    /// It takes none.
    None,
    /// It may have one.
    Optional,
    /// It must have one.
    Required,
}

/// What a field's argument is and where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgForm {
    /// There is none.
    None,
    /// A number in brackets: `proc.aname[2]`.
    Index,
    /// A text in brackets: `container.label[app]`.
    Key,
    /// A number or a text in brackets: `proc.env[HOME]`.
    IndexOrKey,
    /// The name of a param behind a dot, or its place in brackets: `evt.arg.flags`, `evt.arg[0]`.
    Param,
    /// The name of a param behind a dot: `evt.rawarg.flags`.
    ParamName,
    /// The name or code of a kind behind a dot: `evt.type.is.open`.
    Kind,
    /// A word of letters and underscores behind a dot: `thread.cgroup.memory`.
    Word,
    /// `src` or `dst` behind a dot: `evt.abspath.src`.
    End,
    /// Nanoseconds since 1970 in brackets: `evt.around[1404996934793590564]`.
    Time,
}

impl ArgForm {
    /// Whether the argument stands behind a dot.
    pub const fn dotted(self) -> bool {
        matches!(self, Self::Param | Self::ParamName | Self::Kind | Self::Word | Self::End)
    }

    /// Reads what stands in brackets, if that may be an argument of this form.
    pub fn bracketed(self, text: &str) -> Option<Arg> {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let name = Arg::Name(text.into());
        match self {
            Self::Index | Self::Param => {
                digits.then(|| text.parse().ok().map(Arg::Index)).flatten()
            }
            Self::Key => Some(name),
            // With a zero before it a number is a name, as in Falco.
            Self::IndexOrKey if text.len() > 1 && text.starts_with('0') => Some(name),
            Self::IndexOrKey => Some(Arg::parse(text)),
            // Nanoseconds are more than an index can be.
            Self::Time => (digits && text.parse::<u64>().is_ok()).then_some(name),
            Self::None | Self::ParamName | Self::Kind | Self::Word | Self::End => None,
        }
    }

    /// Where the argument stands, with words for what it is.
    pub const fn syntax(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Index => "[number]",
            Self::Key => "[name]",
            Self::IndexOrKey => "[number] or [name]",
            Self::Param => ".param or [number]",
            Self::ParamName => ".param",
            Self::Kind => ".kind",
            Self::Word => ".subsystem",
            Self::End => ".src or .dst",
            Self::Time => "[nanoseconds]",
        }
    }

    /// What may stand behind a field's name.
    pub const fn example(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Index => "[1]",
            Self::Key => "[app]",
            Self::IndexOrKey => "[HOME]",
            Self::Param | Self::ParamName => ".flags",
            Self::Kind => ".open",
            Self::Word => ".memory",
            Self::End => ".src",
            Self::Time => "[1404996934793590564]",
        }
    }
}

/// How many values a field has, and what a comparison with several means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "closed: Falco's fields know no other form")]
pub enum Multiplicity {
    /// One value.
    One,
    /// A list: only `in` (every value), `intersects` (some value) and `exists` apply.
    List,
    /// The two ends of a connection: `=` and `in` hold if one end satisfies them, `!=` if
    /// neither end is equal.
    Either,
    /// The ancestors of a process when no argument is given: a comparison holds if one of them
    /// satisfies it.
    Any,
}

/// Where rules may use a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Usage {
    /// In conditions and in outputs.
    Any,
    /// In conditions only: it has no single value to print.
    FilterOnly,
    /// In outputs only.
    OutputOnly,
    /// In neither: Falco's family has it for columns of its viewers.
    TableOnly,
}

impl Usage {
    /// Whether a condition may ask for the field.
    pub const fn in_conditions(self) -> bool {
        matches!(self, Self::Any | Self::FilterOnly)
    }

    /// Whether an output may print the field.
    pub const fn in_outputs(self) -> bool {
        matches!(self, Self::Any | Self::OutputOnly)
    }
}

/// How a number is printed. It says nothing about values of other types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumberFormat {
    /// Decimal digits; a number in JSON.
    Decimal,
    /// Decimal digits, filled with zeros to nine places; a string in JSON.
    Padded,
    /// Hexadecimal digits in capitals, without prefix; a string in JSON.
    Hex,
    /// Octal digits; a string in JSON.
    Octal,
}

/// What a field is about: the group that people find it in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldClass {
    /// The event.
    Evt,
    /// The process and the thread.
    Proc,
    /// The user.
    User,
    /// The user's group.
    Group,
    /// The descriptor.
    Fd,
    /// The descriptors that a program waits for.
    FdList,
    /// The paths that a call works on.
    FsPath,
    /// Counters.
    Util,
    /// The container.
    Container,
    /// The pod and what it belongs to, as the container's runtime tells.
    K8s,
    /// The pod and what it belongs to, as the cluster tells.
    K8smeta,
    /// The task in the kernel.
    Ctx,
    /// The rule that matched.
    Rule,
    /// Fixed values from the configuration.
    Static,
    /// Fields of a schema of one's own.
    Custom,
}

impl FieldClass {
    /// The class's name, as Falco's where it has the class.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Evt => "evt",
            Self::Proc => "process",
            Self::User => "user",
            Self::Group => "group",
            Self::Fd => "fd",
            Self::FdList => "fdlist",
            Self::FsPath => "fs.path",
            Self::Util => "util",
            Self::Container => "container",
            Self::K8s => "k8s",
            Self::K8smeta => "k8smeta",
            Self::Ctx => "ctx",
            Self::Rule => "rule",
            Self::Static => "static",
            Self::Custom => "custom",
        }
    }

    /// What its fields are about, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Evt => "the event",
            Self::Proc => "the process and the thread",
            Self::User => "the user",
            Self::Group => "the user's group",
            Self::Fd => "the descriptor that the event is about",
            Self::FdList => "the descriptors that a program waits for",
            Self::FsPath => "the paths that a call works on",
            Self::Util => "counters",
            Self::Container => "the container",
            Self::K8s => "the pod, as the container's runtime tells",
            Self::K8smeta => "the pod and what it belongs to, as the cluster tells",
            Self::Ctx => "the task in the kernel, as the source reads it (not Falco's)",
            Self::Rule => "the rule that matched (not Falco's)",
            Self::Static => "fixed values from the configuration",
            Self::Custom => "fields of the events' own schema",
        }
    }
}

/// Who answers a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Part {
    /// The pipeline itself.
    Pipeline,
    /// The source, from what the event carries.
    Source,
    /// The enricher that knows processes.
    Processes,
    /// The enricher that knows containers.
    Containers,
    /// The enricher that reads a system call's params.
    SyscallFields,
    /// The matcher, once a rule matches.
    Matcher,
    /// Nobody yet, for this reason. The field reads as absent.
    Nobody(&'static str),
}

impl Part {
    /// The part's name for people, or why there is none.
    pub const fn answer(self) -> Result<&'static str, &'static str> {
        match self {
            Self::Pipeline => Ok("pipeline"),
            Self::Source => Ok("source"),
            Self::Processes => Ok("processes"),
            Self::Containers => Ok("containers"),
            Self::SyscallFields => Ok("system calls"),
            Self::Matcher => Ok("matcher"),
            Self::Nobody(reason) => Err(reason),
        }
    }
}

/// One row of the field catalogue.
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "a row of a table: plain data")]
pub struct FieldInfo {
    /// The id.
    pub id: FieldId,
    /// The name in rules.
    pub name: Cow<'static, str>,
    /// What it is about.
    pub class: FieldClass,
    /// The type of its values.
    pub ty: FieldType,
    /// How many bits an integer has in Falco: 16, 32 or 64. It says nothing about values of other
    /// types.
    pub bits: u8,
    /// Whether it takes an argument.
    pub arg: ArgRule,
    /// What its argument is.
    pub arg_form: ArgForm,
    /// How many values.
    pub multiplicity: Multiplicity,
    /// Where rules may use it.
    pub usage: Usage,
    /// How a number is printed.
    pub format: NumberFormat,
    /// Whether it may be compared with another field, on either side.
    pub operand: bool,
    /// Whether a transformer may be applied to it.
    pub transformable: bool,
    /// Whether Falco is going to drop it.
    pub deprecated: bool,
    /// Whether Falco's default configuration adds it to every output of the source's rules.
    pub suggested: bool,
    /// Who answers it.
    pub answered_by: Part,
    /// How long its value holds.
    pub scope: Scope,
    /// The kinds that end a value whose scope is wider than [`Scope::Event`]. Empty where the
    /// record that it is read from never changes.
    pub ended_by: &'static [EventKind],
    /// Whether its value depends on which name of a file is read
    /// ([`Reading`](crate::event::Reading)).
    pub follows_path: bool,
    /// What it means.
    pub doc: Cow<'static, str>,
}
