//! `pmatch`: one of several paths, or below one of them.

use super::glob::{Case, Pattern};
use super::{Test, needle, searched};
use crate::field::FieldType;
use crate::value::{OwnedValue, Value};

/// Whether a path lies at or below one of the operands.
pub(super) fn below_one_of(_: FieldType, operands: &[OwnedValue]) -> Box<dyn Test> {
    let paths =
        operands.iter().map(|operand| components(needle(Some(operand))).map(Component::new));
    Box::new(BelowOneOf(paths.map(Iterator::collect).collect()))
}

#[derive(Debug)]
struct BelowOneOf(Vec<Vec<Component>>);

impl Test for BelowOneOf {
    fn test(&self, value: &Value<'_>) -> bool {
        let Some(path) = searched(value) else { return false };
        self.0.iter().any(|search| {
            let mut own = components(path);
            search.iter().all(|component| own.next().is_some_and(|own| component.matches(own)))
        })
    }
}

#[derive(Debug)]
enum Component {
    Is(Box<[u8]>),
    Matches(Pattern),
}

impl Component {
    fn new(text: &[u8]) -> Self {
        if text.iter().any(|byte| matches!(byte, b'?' | b'*' | b'[')) {
            Self::Matches(Pattern::new(text, Case::Matters))
        } else {
            Self::Is(text.into())
        }
    }

    fn matches(&self, component: &[u8]) -> bool {
        match self {
            Self::Is(own) => **own == *component,
            Self::Matches(pattern) => pattern.matches(component),
        }
    }
}

/// The names between slashes; the root has none.
fn components(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    path.split(|&byte| byte == b'/').filter(|component| !component.is_empty())
}

#[cfg(test)]
mod tests {
    use super::super::tests::judge;
    use super::*;
    use crate::rules::ast::Operator::PMatch;

    #[test]
    fn whole_components_from_the_root() {
        let is = |search: &[&str], path: &str| {
            let search: Vec<_> = search.iter().copied().map(OwnedValue::from).collect();
            judge(PMatch, FieldType::Path, &search, path.into())
        };
        assert!(is(&["/usr"], "/usr") && is(&["/usr"], "/usr/x") && !is(&["/usr"], "/usrx"));
        assert!(!is(&["/var/run"], "/var") && !is(&["/var/run"], "/var/lib/x"));
        assert!(is(&["/etc", "/usr/"], "//usr//lib") && !is(&["/etc"], "/usr/etc"));
        assert!(is(&["/home/*/.ssh"], "/home/a/.ssh/id") && !is(&["/home/*/.ssh"], "/home/.ssh"));
        assert!(is(&["/proc/[0-9]*"], "/proc/12/mem") && !is(&["/proc/[0-9]*"], "/proc/self"));
        assert!(is(&["/"], "/anything") && !is(&[], "/usr"));
    }
}
