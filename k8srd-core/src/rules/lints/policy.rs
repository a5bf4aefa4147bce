//! What a team demands of its rules.

use std::sync::Arc;

use super::of_rule;
use crate::field::FieldType;
use crate::rules::collect::{Row, Rule as RuleData};
use crate::rules::diagnostic::{Code, Diagnostic};
use crate::rules::load::Rule;
use crate::rules::ops::{Test, regex};
use crate::value::Value;

/// What is looked for in rules that load.
///
/// [`LintOptions::default`] looks at conditions: rules that can match no event, parts that change
/// nothing, exceptions that hide their rule. The rest is for a team to choose.
///
/// ```
/// use k8srd_core::rules::diagnostic::Code;
/// use k8srd_core::rules::{LintOptions, Loader, Place};
/// use k8srd_core::schema::Schema;
///
/// let rule = "
/// - rule: DRAFT shells
///   desc: shells
///   condition: evt.type = execve and evt.type = open
///   output: a shell
///   priority: notice
/// ";
/// let options = LintOptions::default()
///     .forbid(Place::Name, "DRAFT|WIP")?
///     .require_tags(true)
///     .require_technique(true)
///     .require_output_fields(["proc.name"]);
/// let (_, diagnostics) =
///     Loader::new(&Schema::falco()).add_file("rules.yaml", rule).lints(options).load();
/// let codes: Vec<_> = diagnostics.iter().map(|diagnostic| diagnostic.code).collect();
/// let missing = Code::RequiredMissing;
/// assert_eq!(codes, [Code::ForbiddenPattern, missing, missing, missing, Code::NeverMatches]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct LintOptions {
    conditions: bool,
    forbidden: Vec<Forbidden>,
    tags: bool,
    technique: bool,
    output_fields: Vec<String>,
}

/// A part of a rule that may have to follow a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Place {
    /// The name.
    Name,
    /// Each tag.
    Tag,
    /// The output as written.
    Output,
}

#[derive(Clone, Debug)]
struct Forbidden {
    place: Place,
    pattern: String,
    /// Holds for texts that have the pattern in them.
    test: Arc<dyn Test>,
}

/// A pattern that is no regular expression, or too large a one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{pattern:?} cannot be forbidden: {message}{}", help.as_ref().map(|help| format!("; {help}")).unwrap_or_default())]
pub struct PatternError {
    pattern: String,
    message: String,
    help: Option<String>,
}

impl Default for LintOptions {
    fn default() -> Self {
        let (forbidden, output_fields) = (Vec::new(), Vec::new());
        Self { conditions: true, forbidden, tags: false, technique: false, output_fields }
    }
}

impl LintOptions {
    /// Whether conditions are looked at.
    pub fn conditions(mut self, conditions: bool) -> Self {
        self.conditions = conditions;
        self
    }

    /// Forbids texts in which this regular expression is found. Its syntax is that of the operator
    /// `regex`.
    ///
    /// # Errors
    ///
    /// Where it is none, or too large.
    pub fn forbid(
        mut self,
        place: Place,
        pattern: impl Into<String>,
    ) -> Result<Self, PatternError> {
        let pattern = pattern.into();
        // The operator matches whole texts.
        let anywhere = format!("(.|\\n)*({pattern})(.|\\n)*");
        let checked = regex::check(pattern.as_bytes()).and(regex::check(anywhere.as_bytes()));
        if let Err((message, help)) = checked {
            return Err(PatternError { pattern, message, help });
        }
        let test = Arc::from(regex::matches(FieldType::Str, &[anywhere.as_str().into()]));
        self.forbidden.push(Forbidden { place, pattern, test });
        Ok(self)
    }

    /// Whether each rule must have a tag.
    pub fn require_tags(mut self, tags: bool) -> Self {
        self.tags = tags;
        self
    }

    /// Whether each rule must have the tag of a MITRE ATT&CK technique, such as `T1059` or
    /// `T1059.004`.
    pub fn require_technique(mut self, technique: bool) -> Self {
        self.technique = technique;
        self
    }

    /// Fields that each rule's output must name.
    pub fn require_output_fields(
        mut self,
        fields: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        self.output_fields.extend(fields.into_iter().map(Into::into));
        self
    }

    pub(super) fn looks_at_conditions(&self) -> bool {
        self.conditions
    }
}

/// Holds one rule against what is demanded.
pub(super) fn check(
    options: &LintOptions,
    rule: &Rule,
    row: &Row<RuleData>,
    found: &mut Vec<Diagnostic>,
) {
    let LintOptions { conditions: _, forbidden, tags, technique, output_fields } = options;
    let info = rule.info();
    for Forbidden { place, pattern, test } in forbidden {
        let (what, texts) = match place {
            Place::Name => ("name", std::slice::from_ref(&info.name)),
            Place::Tag => ("tag", &info.tags[..]),
            Place::Output => ("output", &[row.data.output.as_str().to_owned()][..]),
        };
        if let Some(text) = texts.iter().find(|text| test.test(&Value::from(&***text))) {
            let message = format!("{what} {text:?} matches {pattern}, which is forbidden");
            found.push(of_rule(row, Code::ForbiddenPattern, message));
        }
    }
    let mut missing = |what: String, help: Option<&str>| {
        let diagnostic = of_rule(row, Code::RequiredMissing, format!("the rule has no {what}"));
        found.push(diagnostic.help(help.map(str::to_owned)));
    };
    if *tags && info.tags.is_empty() {
        missing("tags".to_owned(), Some("add such as `tags: [container, mitre_execution]`"));
    }
    if *technique && !info.tags.iter().any(|tag| is_technique(tag)) {
        let help = "add its number to `tags`, such as T1059";
        missing("tag of a MITRE ATT&CK technique".to_owned(), Some(help));
    }
    for field in output_fields {
        if !rule.output().fields().any(|name| name == field) {
            missing(format!("%{field} in its output"), None);
        }
    }
}

/// `T1059`, `T1059.004`
fn is_technique(tag: &str) -> bool {
    let digits =
        |text: &str, count| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    let Some(number) = tag.strip_prefix(['T', 't']) else { return false };
    match number.split_once('.') {
        Some((technique, sub)) => digits(technique, 4) && digits(sub, 3),
        None => digits(number, 4),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_found_anywhere_in_a_text() {
        let options = |pattern: &str| LintOptions::default().forbid(Place::Name, pattern);
        for (pattern, text, found) in [
            ("DRAFT|WIP", "a\nWIP b", true),
            ("^a", "ab", true),
            ("b+$", "abb", true),
            ("x", "ab", false),
        ] {
            let options = options(pattern).unwrap();
            assert_eq!(options.forbidden[0].test.test(&Value::from(text)), found, "{pattern}");
        }
        let error = options("(a").unwrap_err();
        assert!(error.to_string().starts_with("\"(a\" cannot be forbidden: "), "{error}");
    }

    #[test]
    fn techniques_have_numbers() {
        for tag in ["T1059", "t1059", "T1059.004"] {
            assert!(is_technique(tag), "{tag}");
        }
        for tag in ["", "T", "T105", "T10590", "T1059.4", "mitre_execution", "Tabcd"] {
            assert!(!is_technique(tag), "{tag}");
        }
    }
}
