//! The field catalogue: one row a field.
//!
//! Names and types are those of Falco (`userspace/libsinsp/sinsp_filtercheck_*.cpp` of
//! falcosecurity/libs) and of its plugins `container` and `k8smeta` (falcosecurity/plugins);
//! `fd.realpath`, `rule.weight` and what is under `ctx.` are ours. To add a field, add a row to
//! the file of its class and answer it in the part that owns it.

use std::sync::LazyLock;

use crate::event::Scope;
use crate::field::{FieldId, FieldInfo};
use crate::kind::EventKind;

/// Expands the rows of a file, in blocks by class, to a constant a row and the table of them. Ids
/// go on where the file before ends.
///
/// Behind name and type a row says, in this order and only if it differs from the plain field
/// that rules may use everywhere: `arg <rule> <form>`, `many <multiplicity>`, `path follows`,
/// `print <format>`, `only <usage>`, `no operand`, `no transformer`, `is deprecated`,
/// `is suggested`, `holds <lifetime>`; and who answers it, if not the block's part:
/// `from <part>`, or `nobody <reason>`.
macro_rules! rows {
    (after $before:ident; $($class:ident from $part:ident {$(
        $id:ident $name:literal $ty:ident
        $(arg $arg:ident $form:ident)? $(many $many:ident)? $(path $path:ident)?
        $(print $print:ident)? $(only $usage:ident)? $(no $lacks:ident)* $(is $flag:ident)?
        $(holds $holds:ident)? $(from $own:ident)? $(nobody $reason:ident)?
        : $doc:literal;
    )*})*) => {
        use std::borrow::Cow;

        use crate::field::{
            ArgForm, ArgRule, FieldClass, FieldId, FieldInfo, FieldType, Multiplicity,
            NumberFormat, Part, Usage,
        };

        #[expect(non_camel_case_types, reason = "only counts the rows")]
        enum Row { $($($id,)*)* End }

        const FIRST: u16 = super::$before::END;
        /// The first id behind those of this file.
        pub(super) const END: u16 = FIRST + Row::End as u16;

        /// The ids alone: what the catalogue gives out.
        pub(super) mod ids {
            use super::{FIRST, FieldId, Row};
            $($(
                #[doc = concat!("`", $name, "`: ", $doc)]
                pub const $id: FieldId = FieldId(FIRST + Row::$id as u16);
            )*)*
        }

        /// The rows, in the order of their ids.
        pub(super) static ROWS: &[FieldInfo] = &[$($(FieldInfo {
            id: ids::$id,
            name: Cow::Borrowed($name),
            class: FieldClass::$class,
            ty: rows!(@ty $ty),
            bits: rows!(@bits $ty),
            arg: rows!(@arg $($arg)?),
            arg_form: rows!(@form $($form)?),
            multiplicity: rows!(@many $($many)?),
            usage: rows!(@usage $($usage)?),
            format: rows!(@print $($print)?),
            operand: rows!(@operand $($lacks)*),
            transformable: rows!(@transformable $($lacks)*),
            deprecated: rows!(@deprecated $($flag)?),
            suggested: rows!(@suggested $($flag)?),
            answered_by: rows!(@answered $part $(from $own)? $(nobody $reason)?),
            scope: rows!(@lifetime $($holds)?).scope,
            ended_by: rows!(@lifetime $($holds)?).ended_by,
            follows_path: rows!(@path $($path)?),
            doc: Cow::Borrowed($doc),
        },)*)*];
    };
    (@ty Int16) => { FieldType::Int };
    (@ty Int32) => { FieldType::Int };
    (@ty Uint32) => { FieldType::Uint };
    (@ty $ty:ident) => { FieldType::$ty };
    (@bits Int16) => { 16 };
    (@bits Int32) => { 32 };
    (@bits Uint32) => { 32 };
    (@bits $ty:ident) => { 64 };
    (@arg) => { ArgRule::None };
    (@arg $arg:ident) => { ArgRule::$arg };
    (@form) => { ArgForm::None };
    (@form $form:ident) => { ArgForm::$form };
    (@many) => { Multiplicity::One };
    (@many $many:ident) => { Multiplicity::$many };
    (@usage) => { Usage::Any };
    (@usage $usage:ident) => { Usage::$usage };
    (@print) => { NumberFormat::Decimal };
    (@print $print:ident) => { NumberFormat::$print };
    (@operand operand $($rest:ident)*) => { false };
    (@operand $($rest:ident)*) => { true };
    (@transformable $(operand)? transformer) => { false };
    (@transformable $(operand)?) => { true };
    (@deprecated deprecated) => { true };
    (@deprecated $($other:ident)?) => { false };
    (@suggested suggested) => { true };
    (@suggested $($other:ident)?) => { false };
    (@answered $part:ident) => { Part::$part };
    (@answered $part:ident from $own:ident) => { Part::$own };
    (@answered $part:ident nobody $reason:ident) => { Part::Nobody(super::reason::$reason) };
    (@lifetime) => { super::EVENT };
    (@lifetime $holds:ident) => { super::$holds };
    (@path) => { false };
    (@path follows) => { true };
}

mod common;
mod container;
mod ctx;
mod evt;
mod fd;
mod k8s;
mod k8smeta;
mod proc;
mod rule;
mod user;

pub use self::common::ids::*;
pub use self::container::ids::*;
pub use self::ctx::ids::*;
pub use self::evt::ids::*;
pub use self::fd::ids::*;
pub use self::k8s::ids::*;
pub use self::k8smeta::ids::*;
pub use self::proc::ids::*;
pub use self::rule::ids::*;
pub use self::user::ids::*;

/// Where ids begin.
mod start {
    pub(super) const END: u16 = crate::field::FieldId::PARAMS;
}

/// All rows, in the order of their ids.
pub static FIELDS: LazyLock<Vec<FieldInfo>> = LazyLock::new(|| {
    let files = [
        common::ROWS,
        evt::ROWS,
        fd::ROWS,
        proc::ROWS,
        user::ROWS,
        container::ROWS,
        k8s::ROWS,
        k8smeta::ROWS,
        rule::ROWS,
        ctx::ROWS,
    ];
    files.concat()
});

/// How many leading rows every schema has, a schema of one's own too.
pub(crate) const COMMON: usize = (common::END - FieldId::PARAMS) as usize;

const _: () = assert!(ctx::END <= FieldId::FIRST_CUSTOM, "ids of one's own schema begin there");

/// How long a value holds, and the kinds that end it.
struct Lifetime {
    scope: Scope,
    ended_by: &'static [EventKind],
}

/// The default: right for every field.
const EVENT: Lifetime = Lifetime { scope: Scope::Event, ended_by: &[] };

/// What an exec fixes.
const PROGRAM: Lifetime = Lifetime {
    scope: Scope::Process,
    ended_by: &[EventKind::PROCEXIT, EventKind::EXECVE, EventKind::EXECVEAT],
};

/// What an exec fixed for an ancestor; when a process ends, its children get another parent.
const ANCESTRY: Lifetime = Lifetime {
    scope: Scope::Lineage,
    ended_by: &[EventKind::PROCEXIT, EventKind::EXECVE, EventKind::EXECVEAT],
};

/// What never changes for a container; its record is found anew for each event.
const IDENTITY: Lifetime = Lifetime { scope: Scope::Container, ended_by: &[] };

/// Why a field is not answered.
mod reason {
    pub(super) const CLUSTER: &str = "needs what the cluster's API server knows";
    pub(super) const COUNTER: &str = "needs a count that the rules keep";
    pub(super) const DNS: &str = "needs names of addresses";
    pub(super) const OUTPUT_TIME: &str = "needs the form of times that the output is set to";
    pub(super) const PIPELINE: &str = "needs a moment to count from";
    pub(super) const PLUGIN: &str = "belongs to events of plugins";
    pub(super) const UNSET: &str = "has no value in Falco either";
    pub(super) const VIEWER: &str = "is a column of viewers; rules cannot ask for it";
}

#[cfg(test)]
mod tests;
