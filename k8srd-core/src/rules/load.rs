//! From rule files to a ruleset.

use std::sync::Arc;

use super::ast::Condition;
use super::collect::Collection;
use super::compile::Unused;
use super::diagnostic::{Diagnostics, Sources};
use super::files::{self, File};
use super::lints::{self, LintOptions};
use super::output::{Additions, AppendOutput, BufferFormat, Output};
use super::selectors::{self, Selector};
use crate::alert::{Priority, RuleInfo};
use crate::schema::Schema;

/// Rules that can be compiled to a [`Plan`](super::Plan).
#[derive(Clone, Debug)]
pub struct RuleSet {
    pub(super) schema: Arc<Schema>,
    pub(super) rules: Vec<Rule>,
    /// What the rules are made of, for those who ask.
    pub(super) collection: Arc<Collection>,
    pub(super) unused: Arc<Unused>,
}

impl RuleSet {
    /// The rules in the order of definition. Those with problems are not among them.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The schema that they were loaded against.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }
}

/// One rule, its condition resolved and typed.
#[derive(Clone, Debug)]
pub struct Rule {
    pub(super) info: Arc<RuleInfo>,
    pub(super) condition: Condition,
    pub(super) output: Output,
    pub(super) enabled: bool,
}

impl Rule {
    /// What alerts tell about it.
    pub fn info(&self) -> &Arc<RuleInfo> {
        &self.info
    }

    /// Its condition.
    pub fn condition(&self) -> &Condition {
        &self.condition
    }

    /// Its output.
    pub fn output(&self) -> &Output {
        &self.output
    }

    /// Whether it is judged.
    pub fn is_enabled(&self) -> bool {
        self.enabled
    }
}

/// Loads rule files, several as one.
///
/// ```
/// use k8srd_core::rules::Loader;
/// use k8srd_core::schema::Schema;
///
/// let (rules, diagnostics) = Loader::new(&Schema::falco())
///     .add_file(
///         "rules.yaml",
///         "
/// - list: shells
///   items: [sh, bash]
/// - rule: Shell started
///   desc: a shell was started
///   condition: evt.type = execve and proc.name in (shells)
///   output: a shell was started (command=%proc.cmdline)
///   priority: notice
/// ",
///     )
///     .load();
/// assert!(!diagnostics.has_errors(), "{}", diagnostics.render());
/// assert_eq!(rules.rules().len(), 1);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Loader {
    schema: Arc<Schema>,
    sources: Sources,
    files: Vec<File>,
    floor: Priority,
    selectors: Vec<Selector>,
    append_output: Vec<AppendOutput>,
    buffer_format: BufferFormat,
    strict_falco: bool,
    lints: Option<LintOptions>,
}

impl Loader {
    /// A loader of rules for events of this schema.
    pub fn new(schema: &Schema) -> Self {
        Self {
            schema: Arc::new(schema.clone()),
            sources: Sources::default(),
            files: Vec::new(),
            floor: Priority::Debug,
            selectors: Vec::new(),
            append_output: Vec::new(),
            buffer_format: BufferFormat::default(),
            strict_falco: false,
            lints: None,
        }
    }

    /// Adds a file, by its name and content. Later files change what earlier ones define.
    ///
    /// Content that is no UTF-8 text is a diagnostic.
    pub fn add_file(mut self, name: impl Into<String>, content: impl Into<Vec<u8>>) -> Self {
        self.files.push(File::new(name.into(), content.into(), &mut self.sources));
        self
    }

    /// Adds a file that cannot be read: that is a diagnostic like any other, and the rest is
    /// loaded.
    pub fn add_unreadable(
        mut self,
        name: impl Into<String>,
        error: impl std::fmt::Display,
    ) -> Self {
        self.files.push(File::unreadable(name.into(), &error, &mut self.sources));
        self
    }

    /// Leaves out rules that are less urgent; they are checked all the same.
    pub fn min_priority(mut self, floor: Priority) -> Self {
        self.floor = floor;
        self
    }

    /// Enables and disables rules, one selector after the other, once all files are loaded:
    /// Falco's `rules:` configuration.
    pub fn select(mut self, selectors: impl IntoIterator<Item = Selector>) -> Self {
        self.selectors.extend(selectors);
        self
    }

    /// Adds to the outputs of rules, one entry after the other: Falco's `append_output`.
    pub fn append_output(mut self, entries: impl IntoIterator<Item = AppendOutput>) -> Self {
        self.append_output.extend(entries);
        self
    }

    /// Says how alerts show the bytes of buffers.
    pub fn buffer_format(mut self, format: BufferFormat) -> Self {
        self.buffer_format = format;
        self
    }

    /// Warns of keys that k8srd knows and Falco does not.
    pub fn strict_falco(mut self, strict: bool) -> Self {
        self.strict_falco = strict;
        self
    }

    /// Looks for what is odd about rules that load, beyond what Falco warns of.
    pub fn lints(mut self, options: LintOptions) -> Self {
        self.lints = Some(options);
        self
    }

    /// Loads everything, and finds every problem in one go. Where there are errors the ruleset
    /// holds the rules without one; whether to go on with these is the caller's decision.
    pub fn load(self) -> (RuleSet, Diagnostics) {
        let Self { schema, mut sources, files, floor, selectors, strict_falco, .. } = self;
        let mut loaded = files::load(&schema, &sources, &files, strict_falco);
        let mut rules = loaded.rules;
        if let Some(options) = &self.lints {
            lints::check(options, &schema, &rules, &loaded.collection, &mut loaded.found);
        }
        rules.retain(|rule| rule.info.priority <= floor);
        selectors::apply(&selectors, &mut rules, &mut loaded.found);
        let additions =
            Additions::compile(&schema, self.append_output, &mut sources, &mut loaded.found);
        for Rule { info, output, .. } in &mut rules {
            additions.apply(info, output);
            output.set_weight(info.weight);
            output.set_buffer_format(self.buffer_format);
        }
        let diagnostics = Diagnostics::new(sources, loaded.found).with_results(loaded.results);
        let (collection, unused) = (Arc::new(loaded.collection), Arc::new(loaded.unused));
        (RuleSet { schema, rules, collection, unused }, diagnostics)
    }
}
