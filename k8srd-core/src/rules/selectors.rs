//! Rules enabled and disabled from outside the files, by name or tag.

use super::diagnostic::{Code, Diagnostic, Item, ItemKind};
use super::load::Rule;
use super::suggest::did_you_mean;

/// Enables or disables rules: one entry of Falco's `rules:` configuration.
///
/// Several are applied in order, each to what those before it left, so that all but some is
/// written as: disable `*`, then enable some.
///
/// ```
/// use k8srd_core::rules::{Loader, Selector};
/// use k8srd_core::schema::Schema;
///
/// let rule = |name: &str, tag: &str| {
///     format!("- rule: {name}\n  desc: d\n  condition: evt.type = open\n  output: o\n  \
///              priority: notice\n  tags: [{tag}]\n")
/// };
/// let (rules, _) = Loader::new(&Schema::falco())
///     .add_file("rules.yaml", rule("Read shadow file", "files") + &rule("Shell", "shell"))
///     .select([Selector::disable_rule("*"), Selector::enable_tag("files")])
///     .load();
/// let enabled: Vec<_> = rules.rules().iter().map(|rule| rule.is_enabled()).collect();
/// assert_eq!(enabled, [true, false]);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    enables: bool,
    rules: Rules,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Rules {
    /// Those whose name matches; `*` is any text.
    Named(String),
    /// Those with this tag.
    Tagged(String),
}

impl Selector {
    /// Enables the rules of this name, in which `*` stands for any text.
    pub fn enable_rule(name: impl Into<String>) -> Self {
        Self { enables: true, rules: Rules::Named(name.into()) }
    }

    /// Disables the rules of this name, in which `*` stands for any text.
    pub fn disable_rule(name: impl Into<String>) -> Self {
        Self { enables: false, rules: Rules::Named(name.into()) }
    }

    /// Enables the rules with this tag.
    pub fn enable_tag(tag: impl Into<String>) -> Self {
        Self { enables: true, rules: Rules::Tagged(tag.into()) }
    }

    /// Disables the rules with this tag.
    pub fn disable_tag(tag: impl Into<String>) -> Self {
        Self { enables: false, rules: Rules::Tagged(tag.into()) }
    }

    fn selects(&self, rule: &Rule) -> bool {
        match &self.rules {
            Rules::Named(pattern) => matches(pattern, &rule.info.name),
            Rules::Tagged(tag) => rule.info.tags.contains(tag),
        }
    }
}

/// Applies selectors in order; one that selects nothing is warned of, since it does not do what
/// its author wants.
pub(super) fn apply(selectors: &[Selector], rules: &mut [Rule], found: &mut Vec<Diagnostic>) {
    for selector in selectors {
        let mut selected = 0;
        for rule in rules.iter_mut().filter(|rule| selector.selects(rule)) {
            rule.enabled = selector.enables;
            selected += 1;
        }
        if selected == 0 {
            found.push(unused(selector, rules));
        }
    }
}

fn unused(selector: &Selector, rules: &[Rule]) -> Diagnostic {
    let verb = if selector.enables { "enable" } else { "disable" };
    let (name, message, help) = match &selector.rules {
        Rules::Named(pattern) => {
            let names = rules.iter().map(|rule| &*rule.info.name);
            (
                pattern,
                format!("no rule to {verb} is named {pattern:?}"),
                did_you_mean(pattern, names),
            )
        }
        Rules::Tagged(tag) => {
            let tags = rules.iter().flat_map(|rule| &rule.info.tags).map(|tag| &**tag);
            (tag, format!("no rule to {verb} has tag {tag:?}"), did_you_mean(tag, tags))
        }
    };
    Diagnostic::new(Code::SelectorUnused, Item::new(ItemKind::Selector, name), message).help(help)
}

/// Whether a name matches a pattern in which `*` is any text.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    for part in middle.split('*') {
        let Some((_, behind)) = name.split_once(part) else { return false };
        name = behind;
    }
    name.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_text() {
        for (pattern, name, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("*", "a b", true),
            ("a*", "abc", true),
            ("a*", "ba", false),
            ("*b", "abab", true),
            ("*b", "aba", false),
            ("a*c", "abc", true),
            ("a*c", "a", false),
            ("ab*ba", "aba", false),
            ("*b*d*", "abcde", true),
            ("*d*b*", "abcde", false),
            ("a**c", "abc", true),
            ("a*b*c", "axbxxc", true),
            ("a*b*c", "axc", false),
            ("a?c", "abc", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }
}
