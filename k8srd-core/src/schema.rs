//! Schemas: which kinds and fields the rules of a source may name.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::catalogue::{self, FIELDS};
use crate::event::Scope;
use crate::field::{
    ArgForm, ArgRule, FieldClass, FieldId, FieldInfo, FieldType, Multiplicity, NumberFormat, Part,
    Usage,
};
use crate::kind::{EventKind, KINDS, KindInfo};

/// Kinds added to Falco's: behind its event codes, before calls and state.
const FIRST_BESIDE_FALCO: u16 = 0x8000;

/// The kinds and fields of one source of events.
///
/// ```
/// use k8srd_core::field::FieldType;
/// use k8srd_core::schema::Schema;
///
/// let schema = Schema::new()
///     .source("payments")
///     .kind("payment")
///     .field("payment.amount", FieldType::Uint);
/// assert!(schema.field_named("payment.amount").is_some());
/// assert!(schema.field_named("evt.type").is_some(), "every event has these");
/// ```
#[derive(Clone, Debug)]
pub struct Schema {
    source: Cow<'static, str>,
    /// By ascending code.
    kinds: Vec<KindInfo>,
    /// By ascending id.
    fields: Vec<FieldInfo>,
    by_name: HashMap<Cow<'static, str>, usize>,
    next_kind: EventKind,
    /// Values of static fields.
    fixed: Vec<(FieldId, Box<[u8]>)>,
}

impl Schema {
    /// A schema of one's own: no kinds yet, and the fields that every event has.
    #[expect(
        clippy::new_without_default,
        reason = "an empty schema is the start of a builder chain"
    )]
    pub fn new() -> Self {
        Self::with("custom", &[], EventKind(0), &FIELDS[..catalogue::COMMON])
    }

    /// Falco's schema for system calls: source `syscall`.
    pub fn falco() -> Self {
        Self::with("syscall", KINDS, EventKind(FIRST_BESIDE_FALCO), &FIELDS)
    }

    fn with(
        source: &'static str,
        kinds: &[KindInfo],
        next_kind: EventKind,
        fields: &[FieldInfo],
    ) -> Self {
        let by_name = fields.iter().enumerate().map(|(i, f)| (f.name.clone(), i)).collect();
        Self {
            source: source.into(),
            kinds: kinds.to_vec(),
            fields: fields.to_vec(),
            by_name,
            next_kind,
            fixed: Vec::new(),
        }
    }

    /// Names the source: the `source:` of its rules.
    #[must_use]
    pub fn source(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.source = name.into();
        self
    }

    /// Adds a kind. In a schema that began with [`Schema::new`] its [`EventKind`] counts from 0 in
    /// the order of these calls.
    #[must_use]
    pub fn kind(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        let kind = self.next_kind;
        self.next_kind = EventKind(kind.0 + 1);
        let place = self.kinds.partition_point(|info| info.kind < kind);
        self.kinds.insert(place, KindInfo::custom(kind, name.into()));
        self
    }

    /// Adds a field with one value; its id is [`FieldId::custom`] of its place in the order of
    /// these calls.
    ///
    /// # Panics
    ///
    /// Where the name is not of the form `word.word` that conditions can hold, or exists already.
    #[must_use]
    pub fn field(mut self, name: impl Into<Cow<'static, str>>, ty: FieldType) -> Self {
        let name = name.into();
        assert!(is_field_name(&name), "{name:?} is not a field name such as payment.amount");
        assert!(!self.by_name.contains_key(&name), "field {name} exists already");
        self.add_field(FieldClass::Custom, name, ty);
        self
    }

    /// Adds the field `static.<name>`, whose value is the same for every event: Falco's
    /// `static_fields`.
    ///
    /// # Errors
    ///
    /// Where conditions cannot hold the name, or it exists already.
    ///
    /// ```
    /// use k8srd_core::schema::Schema;
    ///
    /// let schema = Schema::falco().static_field("cluster", "prod")?;
    /// assert!(schema.field_named("static.cluster").is_some());
    /// assert!(Schema::falco().static_field("my cluster", "prod").is_err());
    /// # Ok::<(), k8srd_core::schema::StaticFieldError>(())
    /// ```
    pub fn static_field(
        mut self,
        name: &str,
        value: impl Into<String>,
    ) -> Result<Self, StaticFieldError> {
        let full = format!("static.{name}");
        let is_new = is_field_name(&full) && !self.by_name.contains_key(&*full);
        if !is_new || self.fields.len() >= usize::from(FieldId::FIRST_CUSTOM) {
            return Err(StaticFieldError { name: name.to_owned() });
        }
        let id = self.add_field(FieldClass::Static, full.into(), FieldType::Str);
        self.fixed.push((id, value.into().into_bytes().into()));
        Ok(self)
    }

    fn add_field(&mut self, class: FieldClass, name: Cow<'static, str>, ty: FieldType) -> FieldId {
        let custom = self.fields.iter().filter(|f| f.id >= FieldId::custom(0)).count();
        let id = FieldId::custom(custom as u16);
        let fixed = class == FieldClass::Static;
        self.by_name.insert(name.clone(), self.fields.len());
        self.fields.push(FieldInfo {
            id,
            name,
            class,
            ty,
            bits: 64,
            arg: ArgRule::None,
            arg_form: ArgForm::None,
            multiplicity: Multiplicity::One,
            usage: Usage::Any,
            format: NumberFormat::Decimal,
            operand: true,
            transformable: true,
            deprecated: false,
            suggested: fixed,
            answered_by: if fixed { Part::Pipeline } else { Part::Source },
            scope: Scope::Event,
            ended_by: &[],
            follows_path: false,
            doc: Cow::Borrowed(if fixed { "a value from the configuration" } else { "" }),
        });
        id
    }

    /// The static fields and their values.
    pub(crate) fn fixed(&self) -> impl Iterator<Item = (FieldId, &[u8])> {
        self.fixed.iter().map(|(id, value)| (*id, &**value))
    }

    /// The source's name.
    pub fn source_name(&self) -> &str {
        &self.source
    }

    /// All kinds.
    pub fn kinds(&self) -> &[KindInfo] {
        &self.kinds
    }

    /// All fields.
    pub fn fields(&self) -> &[FieldInfo] {
        &self.fields
    }

    /// The row of a kind.
    pub fn kind_info(&self, kind: EventKind) -> Option<&KindInfo> {
        let place = self.kinds.binary_search_by_key(&kind, |info| info.kind).ok()?;
        Some(&self.kinds[place])
    }

    /// The row of the kind with this name: the one that rules judge where only state shares its
    /// name. Falco's names of state alone are found too: a rule may hold them, and never matches.
    pub fn kind_named(&self, name: &str) -> Option<&KindInfo> {
        // State has the highest codes.
        self.kinds.iter().find(|info| info.name == name)
    }

    /// The row of a field.
    pub fn field_info(&self, id: FieldId) -> Option<&FieldInfo> {
        let place = self.fields.binary_search_by_key(&id, |info| info.id).ok()?;
        Some(&self.fields[place])
    }

    /// A field's name for messages, even if the schema does not know it.
    pub(crate) fn field_label(&self, id: FieldId) -> String {
        self.field_info(id).map_or_else(|| format!("field {}", id.0), |info| info.name.to_string())
    }

    /// A kind's name for messages, even if the schema does not know it.
    pub(crate) fn kind_label(&self, kind: EventKind) -> String {
        self.kind_info(kind)
            .map_or_else(|| format!("kind {}", kind.0), |info| info.name.to_string())
    }

    /// The row of the field with this name.
    pub fn field_named(&self, name: &str) -> Option<&FieldInfo> {
        self.by_name.get(name).map(|&place| &self.fields[place])
    }
}

/// A static field cannot have this name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{name:?} cannot name a static field: a name begins with a letter, goes on with letters, digits \
     and _, and is there once"
)]
pub struct StaticFieldError {
    name: String,
}

/// `[a-zA-Z]+[a-zA-Z0-9_]*` at least twice, joined by dots.
fn is_field_name(name: &str) -> bool {
    let word = |word: &str| {
        word.starts_with(|c: char| c.is_ascii_alphabetic())
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    name.contains('.') && name.split('.').all(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falco_knows_kinds_and_fields_by_name() {
        let schema = Schema::falco();
        assert_eq!(schema.kind_named("openat").map(|k| k.kind), Some(EventKind::OPENAT));
        assert_eq!(schema.kind_named("madvise").map(|k| k.kind), Some(EventKind::call(139)));
        assert!(schema.kind_named("task").is_some_and(|k| k.kind.is_state()), "Falco takes it");
        assert_eq!(schema.field_named("fd.name").map(|f| f.id), Some(catalogue::FD_NAME));
        assert_eq!(schema.field_info(catalogue::FD_NAME).map(|f| &*f.name), Some("fd.name"));
        assert_eq!(schema.source_name(), "syscall");
    }

    #[test]
    fn own_fields_and_kinds_count_from_zero() {
        let schema = Schema::new().source("s").kind("a").kind("b").field("x.y", FieldType::Str);
        assert_eq!(schema.kind_named("b").map(|k| k.kind), Some(EventKind(1)));
        assert_eq!(schema.field_named("x.y").map(|f| f.id), Some(FieldId::custom(0)));
        assert_eq!(schema.field_info(FieldId::custom(0)).map(|f| &*f.name), Some("x.y"));
    }

    #[test]
    #[should_panic(expected = "not a field name")]
    fn a_name_that_no_condition_can_hold_is_refused() {
        let _ = Schema::new().field("amount", FieldType::Uint);
    }
}
