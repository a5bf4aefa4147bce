//! Comparisons of `evt.type` and `syscall.type`, whose values are names of kinds.
//!
//! Facts: `userspace/libsinsp/filter/ppm_codes.cpp` and
//! `sinsp_filter_check_event::validate_filter_value` of falcosecurity/libs.

use super::{ProblemKind, Typer};
use crate::catalogue;
use crate::field::FieldId;
use crate::rules::ast::{Modifier, Operand, Operator};
use crate::rules::suggest::did_you_mean;
use crate::rules::syntax::{Check, Literal};

impl Typer<'_, '_> {
    /// What an operand's kinds are found by may neither be transformed nor compared with a field:
    /// nobody could say which events the condition is about.
    pub(super) fn names_no_kind(
        &mut self,
        check: &Check,
        left: &Operand,
        right_is_field: bool,
        operator: Operator,
    ) -> Option<()> {
        let selects = matches!(operator, Operator::Eq | Operator::Ne | Operator::In)
            && check.modifier.is_none();
        let mut is_kind = false;
        left.fields(&mut |field| is_kind |= names_kind(field.key.field()));
        let transformed = !matches!(left, Operand::Field(_));
        let message = match (is_kind, transformed) {
            (true, true) if selects || operator == Operator::Exists => {
                format!("{} is no name of an event type any more", check.left.shown())
            }
            (true, false) if selects && right_is_field => {
                format!("{} is compared with names of event types only", check.left.shown())
            }
            _ => return Some(()),
        };
        let help =
            "compare evt.type itself with names, so that it is known which events are asked \
                    for"
            .to_owned();
        self.report(ProblemKind::Wrong, check.left.span(), message, Some(help));
        None
    }

    /// A constant that `evt.type` is compared with has to be the name of a kind, whatever the
    /// operator. What `syscall.type` is compared with is advised about only: Falco looks at it no
    /// further.
    pub(super) fn kind_name(
        &mut self,
        left: &Operand,
        operator: Operator,
        modifier: Option<Modifier>,
        literal: &Literal,
    ) -> Option<()> {
        let Some(field) = innermost(left) else { return Some(()) };
        let text = std::str::from_utf8(&literal.bytes).unwrap_or("");
        if !names_kind(field) || self.schema.kind_named(text).is_some() {
            return Some(());
        }
        let known = self.schema.kinds().iter().filter(|info| !info.kind.is_state());
        let help = did_you_mean(text, known.map(|info| &*info.name));
        let message = format!("unknown event type {}", String::from_utf8_lossy(&literal.bytes));
        if field == catalogue::EVT_TYPE {
            self.report(ProblemKind::Unknown, &literal.span, message, help);
            return None;
        }
        let selects = matches!(operator, Operator::Eq | Operator::Ne | Operator::In);
        if selects && modifier.is_none() {
            self.report(ProblemKind::Advice, &literal.span, message, help);
        }
        Some(())
    }
}

fn names_kind(field: FieldId) -> bool {
    field == catalogue::EVT_TYPE || field == catalogue::SYSCALL_TYPE
}

/// The field that an operand is, or is made of by transformers of one argument.
pub(super) fn innermost(operand: &Operand) -> Option<FieldId> {
    match operand {
        Operand::Field(field) => Some(field.key.field()),
        Operand::Call(call) => match &call.args[..] {
            [only] => innermost(only),
            _ => None,
        },
        Operand::Text(_) | Operand::List(_) => None,
    }
}
