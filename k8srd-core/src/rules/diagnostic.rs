//! What is wrong with rules, said so that a person can mend it.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::OnceLock;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(clippy::exhaustive_enums, reason = "closed: Falco knows these two")]
pub enum Severity {
    /// The rules load; something is odd or left out.
    Warning,
    /// The rules do not load.
    Error,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident $code:literal $severity:ident $description:literal,)*) => {
        /// What sort of problem it is: `LOAD_…` are Falco's codes
        /// (`userspace/engine/falco_load_result.cpp` of falcosecurity/falco), `K8SRD_…` our own.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = concat!("`", $code, "`: ", $description)] $variant,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its name: Falco's where Falco has this problem.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// Whether Falco has this problem too, and says so under the same name.
            pub fn is_falcos(self) -> bool {
                self.name().starts_with("LOAD_")
            }

            /// What it means.
            pub const fn description(self) -> &'static str {
                match self { $(Self::$variant => $description,)* }
            }

            /// Whether it keeps rules from loading.
            pub const fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity,)* }
            }
        }
    };
}

codes! {
    FileRead "LOAD_ERR_FILE_READ" Error "the file cannot be read",
    YamlParse "LOAD_ERR_YAML_PARSE" Error "the file is not YAML",
    YamlValidate "LOAD_ERR_YAML_VALIDATE" Error "an item does not have the shape of a rule, macro or list",
    CompileCondition "LOAD_ERR_COMPILE_CONDITION" Error "a condition cannot be compiled",
    CompileOutput "LOAD_ERR_COMPILE_OUTPUT" Error "an output cannot be compiled",
    Validate "LOAD_ERR_VALIDATE" Error "rules, macros, lists or exceptions do not fit together",
    UnknownSource "LOAD_UNKNOWN_SOURCE" Warning "a rule is for a source that is not there",
    UnsafeNaCheck "LOAD_UNSAFE_NA_CHECK" Warning "a comparison with `<NA>` that may not do what it says",
    NoEvtType "LOAD_NO_EVTTYPE" Warning "a rule matches too many kinds of events",
    UnknownFilter "LOAD_UNKNOWN_FILTER" Warning "a rule is skipped because it names something unknown",
    UnusedMacro "LOAD_UNUSED_MACRO" Warning "nothing uses a macro",
    UnusedList "LOAD_UNUSED_LIST" Warning "nothing uses a list",
    UnknownItem "LOAD_UNKNOWN_ITEM" Warning "an item is neither rule, macro, list nor requirement",
    DeprecatedItem "LOAD_DEPRECATED_ITEM" Warning "something that will go away is used",
    AppendNoValues "LOAD_APPEND_NO_VALUES" Warning "an exception without values is appended",
    ExceptionNameNotUnique "LOAD_EXCEPTION_NAME_NOT_UNIQUE" Warning "two exceptions of a rule have one name",
    InvalidMacroName "LOAD_INVALID_MACRO_NAME" Warning "conditions cannot hold a macro's name",
    InvalidListName "LOAD_INVALID_LIST_NAME" Warning "conditions cannot hold a list's name",
    ConditionAdvice "LOAD_COMPILE_CONDITION" Warning "a condition may not say what it means",
    UnknownKey "LOAD_UNKNOWN_KEY" Warning "a key is not known and does nothing",
    DuplicateKey "K8SRD_DUPLICATE_KEY" Warning "a key is there twice, and only the first counts",
    NotFalco "K8SRD_NOT_FALCO" Warning "Falco does not know a key",
    SelectorUnused "K8SRD_SELECTOR_UNUSED" Warning "a selector enables or disables no rule",
    WrongWeight "K8SRD_WEIGHT" Warning "a weight is no number from 0 to 1000",
    NeverMatches "K8SRD_NEVER_MATCHES" Warning "a rule can match no event",
    Shadowed "K8SRD_SHADOWED" Warning "a part of a condition changes nothing",
    ExceptionHidesRule "K8SRD_EXCEPTION_HIDES_RULE" Warning "an exception leaves nothing of a rule",
    ForbiddenPattern "K8SRD_FORBIDDEN_PATTERN" Warning "a rule holds what it must not hold",
    RequiredMissing "K8SRD_REQUIRED_MISSING" Warning "a rule lacks what every rule must have",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a problem is about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "plain data")]
pub struct Item {
    /// The type of item.
    pub kind: ItemKind,
    /// Its name; empty where it has none.
    pub name: String,
}

impl Item {
    /// An item of this type and name.
    pub fn new(kind: ItemKind, name: impl Into<String>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.name {
            "" => f.write_str(self.kind.name()),
            name => write!(f, "{} \"{}\"", self.kind.name(), name.escape_debug()),
        }
    }
}

/// The type of an item, innermost first found: the part of a rule rather than the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ItemKind {
    /// A value in YAML.
    ValueFor,
    /// A whole file.
    RulesContent,
    /// An item of unknown type.
    RulesContentItem,
    /// `required_engine_version`.
    RequiredEngineVersion,
    /// `required_plugin_versions`.
    RequiredPluginVersions,
    /// One of the plugins there.
    RequiredPlugin,
    /// Another plugin that will do.
    PluginAlternative,
    /// `list`.
    List,
    /// One of a list's items.
    ListItem,
    /// `macro`.
    Macro,
    /// `rule`.
    Rule,
    /// A rule's `exceptions:`.
    Exceptions,
    /// One of a rule's exceptions.
    Exception,
    /// An exception's `values:`.
    ExceptionValues,
    /// A rule's `condition:`.
    RuleCondition,
    /// A macro's `condition:`.
    MacroCondition,
    /// The text of a condition, of a rule or a macro.
    ConditionExpression,
    /// A rule's `output:`.
    RuleOutput,
    /// A rule's `priority:`.
    RulePriority,
    /// An item's `override:`.
    Override,
    /// What enables or disables rules from outside the files.
    Selector,
}

impl ItemKind {
    /// Falco's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ValueFor => "value for",
            Self::RulesContent => "rules content",
            Self::RulesContentItem => "rules content item",
            Self::RequiredEngineVersion => "required_engine_version",
            Self::RequiredPluginVersions => "required plugin versions",
            Self::RequiredPlugin => "required plugin versions entry",
            Self::PluginAlternative => "required plugin versions alternative",
            Self::List => "list",
            Self::ListItem => "list item",
            Self::Macro => "macro",
            Self::Rule => "rule",
            Self::Exceptions => "exceptions",
            Self::Exception => "exception",
            Self::ExceptionValues => "exception values",
            Self::RuleCondition => "rule condition",
            Self::MacroCondition => "macro condition",
            Self::ConditionExpression => "condition expression",
            Self::RuleOutput => "rule output",
            Self::RulePriority => "rule priority",
            Self::Override => "overrides",
            Self::Selector => "selector",
        }
    }
}

/// One of the texts that rules are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(super) u32);

/// A part of a text, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::exhaustive_structs, reason = "plain data")]
pub struct Span {
    /// Which text.
    pub file: FileId,
    /// From where to where.
    pub range: Range<usize>,
}

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data")]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// The texts that rules are read from, by name.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

#[derive(Clone, Debug)]
struct SourceFile {
    name: String,
    text: String,
    /// Where each line begins, once someone asks for a line: many problems of a large file are
    /// found without going through it for each.
    lines: OnceLock<Vec<usize>>,
    /// How many characters begin before each [`STEP`] bytes, once someone asks for a column: nor
    /// for many problems of a long line.
    characters: OnceLock<Vec<usize>>,
}

const STEP: usize = 4096;

/// The part of a line round a problem.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data")]
pub struct Excerpt<'s> {
    /// What is there.
    pub text: &'s str,
    /// Which of its characters the problem covers: one at least, which may lie behind the last.
    pub marked: Range<usize>,
    /// Whether the line begins before it.
    pub is_cut_before: bool,
    /// Whether the line goes on behind it.
    pub is_cut_after: bool,
}

impl Sources {
    /// Adds a text.
    pub(super) fn add(&mut self, name: String, text: String) -> FileId {
        let id = FileId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        let (lines, characters) = (OnceLock::new(), OnceLock::new());
        self.files.push(SourceFile { name, text, lines, characters });
        id
    }

    /// All texts, in the order in which they were added.
    pub fn files(&self) -> impl Iterator<Item = FileId> + '_ {
        (0..).map(FileId).take(self.files.len())
    }

    /// A text's name: that of the file.
    pub fn name(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| &file.name)
    }

    /// A text.
    pub fn text(&self, file: FileId) -> &str {
        self.file(file).map_or("", |file| &file.text)
    }

    /// Where a span begins.
    pub fn position(&self, span: &Span) -> Position {
        let Some(file) = self.file(span.file) else { return Position { line: 1, column: 1 } };
        let (line, start, at) = file.locate(span.range.start);
        let column = file.characters_before(at) - file.characters_before(start) + 1;
        Position { line, column }
    }

    /// Where a span ends.
    pub fn end(&self, span: &Span) -> Position {
        self.position(&Span { file: span.file, range: span.range.end..span.range.end })
    }

    /// The part of the line in which a span begins from `before` characters before the span on, of
    /// `width` characters at most: lines can be very long.
    pub fn excerpt(&self, span: &Span, before: usize, width: usize) -> Excerpt<'_> {
        let (line, at) = self.file(span.file).map_or(("", 0), |file| file.line(span.range.start));
        let (head, tail) = line.split_at(at);
        let start = head.char_indices().rev().take(before).last().map_or(at, |(start, _)| start);
        let indent = head[start..].chars().count();
        let shown = &line[start..];
        let end = shown.char_indices().nth(width).map_or(shown.len(), |(end, _)| end);
        let covered = tail.char_indices().take_while(|(place, _)| *place < span.range.len());
        let covered = covered.take(width.saturating_sub(indent)).count();
        Excerpt {
            text: &shown[..end],
            marked: indent..indent + covered.max(1),
            is_cut_before: start > 0,
            is_cut_after: end < shown.len(),
        }
    }

    fn file(&self, file: FileId) -> Option<&SourceFile> {
        self.files.get(usize::try_from(file.0).ok()?)
    }
}

impl SourceFile {
    /// The number of the line in which a place is, where that line begins, and the place, moved
    /// back to where a character begins.
    fn locate(&self, place: usize) -> (usize, usize, usize) {
        let at = self.text.floor_char_boundary(place);
        let line = self.lines().partition_point(|&start| start <= at);
        let start = line.checked_sub(1).and_then(|line| self.lines().get(line));
        (line.max(1), start.copied().unwrap_or(0), at)
    }

    /// The line in which a place is, and where in it.
    fn line(&self, place: usize) -> (&str, usize) {
        let (number, start, at) = self.locate(place);
        let end = self.lines().get(number).copied().unwrap_or(self.text.len());
        let line = self.text.get(start..end).unwrap_or("");
        let line =
            line.strip_suffix('\n').map_or(line, |line| line.strip_suffix('\r').unwrap_or(line));
        (line, (at - start).min(line.len()))
    }

    fn lines(&self) -> &[usize] {
        self.lines.get_or_init(|| {
            let after_newlines = self.text.match_indices('\n').map(|(newline, _)| newline + 1);
            std::iter::once(0).chain(after_newlines).collect()
        })
    }

    /// How many characters begin before a place.
    fn characters_before(&self, place: usize) -> usize {
        let counted = self.characters.get_or_init(|| {
            let steps = self.text.as_bytes().chunks(STEP).scan(0, |before, step| {
                *before += characters(step);
                Some(*before)
            });
            std::iter::once(0).chain(steps).collect()
        });
        let step = place / STEP;
        let rest = self.text.as_bytes().get(step * STEP..place).unwrap_or_default();
        counted.get(step).copied().unwrap_or(0) + characters(rest)
    }
}

/// How many characters begin in a piece of UTF-8 text.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|&&byte| byte & 0xC0 != 0x80).count()
}

/// A problem, where it is, and what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// What sort of problem.
    pub code: Code,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Where it is; `None` where it is in no one place.
    pub span: Option<Span>,
    /// What it is about.
    pub item: Item,
}

impl Diagnostic {
    /// A problem with the severity of its code.
    pub(super) fn new(code: Code, item: Item, message: impl Into<String>) -> Self {
        Self {
            severity: code.severity(),
            code,
            message: message.into(),
            help: None,
            span: None,
            item,
        }
    }

    #[must_use]
    pub(super) fn at(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// The problem as a person reads it: where, the line, a mark under the place, what to do.
    pub fn render<'d>(&'d self, sources: &'d Sources) -> impl fmt::Display + 'd {
        fmt::from_fn(move |f| self.write(f, sources))
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, sources: &Sources) -> fmt::Result {
        let severity = match self.severity {
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        writeln!(f, "{severity}[{}]: {}", self.code, plain(&self.message))?;
        let mut gutter = 1;
        if let Some(span) = &self.span {
            let name = plain(sources.name(span.file));
            if sources.text(span.file).is_empty() {
                writeln!(f, "{:gutter$}--> {name}", "")?;
            } else {
                let Position { line, column } = sources.position(span);
                let Excerpt { text, marked, .. } = sources.excerpt(span, BEFORE, WIDTH);
                gutter = line.to_string().len();
                writeln!(f, "{:gutter$}--> {name}:{line}:{column}", "")?;
                writeln!(f, "{:gutter$} |", "")?;
                writeln!(f, "{line} | {}", plain(text))?;
                let (from, marks) = (marked.start, "^".repeat(marked.len()));
                writeln!(f, "{:gutter$} | {:from$}{marks}", "", "")?;
            }
        }
        writeln!(f, "{:gutter$} = in {}", "", self.item)?;
        if let Some(help) = &self.help {
            writeln!(f, "{:gutter$} = help: {}", "", plain(help))?;
        }
        Ok(())
    }
}

/// How much of a line is shown before what is marked, and at all.
const BEFORE: usize = 60;
const WIDTH: usize = 120;

/// Text without control characters: no rule file paints on the terminal of whoever checks it. Tabs
/// are blanks, so that a mark under them stays in its place.
fn plain(text: &str) -> impl fmt::Display + '_ {
    fmt::from_fn(move |f| {
        for c in text.chars() {
            f.write_char(if c.is_control() { ' ' } else { c })?;
        }
        Ok(())
    })
}

/// All problems that loading found, and the texts they are in.
#[derive(Clone, Debug, Default)]
pub struct Diagnostics {
    sources: Sources,
    found: Vec<Diagnostic>,
    results: Vec<FileResult>,
}

/// What Falco says of one file, loaded after those before it.
///
/// It stops at the first error of a file. What a file is compiled with, all files before it, is
/// compiled again, so a problem of an earlier one is told again.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct FileResult {
    /// The file.
    pub file: FileId,
    /// What came up when it was loaded, in the order in which Falco finds it. A problem may lie
    /// in an earlier file.
    pub found: Vec<Diagnostic>,
}

impl FileResult {
    /// Whether the file loads.
    pub fn is_successful(&self) -> bool {
        self.found.iter().all(|d| d.severity != Severity::Error)
    }
}

impl Diagnostics {
    /// Problems of these texts, in the order of the texts.
    pub(super) fn new(sources: Sources, mut found: Vec<Diagnostic>) -> Self {
        let place = |d: &Diagnostic| d.span.as_ref().map(|span| (span.file, span.range.start));
        found.sort_by_key(place);
        Self { sources, found, results: Vec::new() }
    }

    /// Adds what Falco says of each file.
    #[must_use]
    pub(super) fn with_results(mut self, results: Vec<FileResult>) -> Self {
        self.results = results;
        self
    }

    /// What Falco says of each file, in the order in which they were added: its codes only, and
    /// nothing behind a file's first error. [`Diagnostics::iter`] has all problems, each once.
    pub fn results(&self) -> &[FileResult] {
        &self.results
    }

    /// Whether there is one that keeps rules from loading.
    pub fn has_errors(&self) -> bool {
        self.found.iter().any(|d| d.severity == Severity::Error)
    }

    /// The problems.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.found.iter()
    }

    /// The number of problems.
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// Whether there is no problem at all.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// The texts that the problems' spans are in.
    pub fn sources(&self) -> &Sources {
        &self.sources
    }

    /// All problems as a person reads them, with an empty line between two.
    pub fn render(&self) -> impl fmt::Display + '_ {
        fmt::from_fn(move |f| {
            for (i, diagnostic) in self.found.iter().enumerate() {
                let separator = if i == 0 { "" } else { "\n" };
                write!(f, "{separator}{}", diagnostic.render(&self.sources))?;
            }
            Ok(())
        })
    }
}

impl<'d> IntoIterator for &'d Diagnostics {
    type Item = &'d Diagnostic;
    type IntoIter = std::slice::Iter<'d, Diagnostic>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(text: &str) -> (Sources, FileId) {
        let mut sources = Sources::default();
        let file = sources.add("rules/a.yaml".into(), text.into());
        (sources, file)
    }

    fn problem(span: Span) -> Diagnostic {
        let item = Item::new(ItemKind::ConditionExpression, "");
        Diagnostic::new(Code::CompileCondition, item, "unknown field proc.nam").at(span)
    }

    #[test]
    fn says_where_and_what_to_do() {
        let (sources, file) = sources("- rule: a\n  condition: é proc.nam = x\n");
        let range = 26..34;
        assert_eq!(&sources.text(file)[range.clone()], "proc.nam");
        let problem = problem(Span { file, range }).help("did you mean proc.name?".to_owned());
        assert_eq!(
            problem.render(&sources).to_string(),
            "error[LOAD_ERR_COMPILE_CONDITION]: unknown field proc.nam\n \
             --> rules/a.yaml:2:16\n  |\n\
             2 |   condition: é proc.nam = x\n  |                ^^^^^^^^\n  \
             = in condition expression\n  = help: did you mean proc.name?\n"
        );
    }

    #[test]
    fn a_file_without_text_is_named_without_a_line() {
        let (sources, file) = sources("");
        let problem = problem(Span { file, range: 0..0 });
        let text = problem.render(&sources).to_string();
        assert!(text.contains("\n --> rules/a.yaml\n  = in "), "{text}");
    }

    #[test]
    fn no_text_paints_on_the_terminal() {
        let (sources, file) = sources("- list: \"a\u{1b}[31m\"\n");
        let mut problem = problem(Span { file, range: 2..4 }).help("\u{1b}[2J".to_owned());
        problem.message = "nothing uses a\u{1b}[31m".to_owned();
        problem.item = Item::new(ItemKind::List, "a\u{1b}[31m");
        let text = problem.render(&sources).to_string();
        assert!(!text.contains('\u{1b}'), "{text:?}");
    }

    #[test]
    fn spans_outside_the_text_do_no_harm() {
        let (sources, file) = sources("é");
        for range in [0..0, 0..9, 1..2, 2..2, 5..9, usize::MAX..usize::MAX] {
            let text = problem(Span { file, range }).render(&sources).to_string();
            assert!(text.contains("rules/a.yaml:1:"), "{text}");
        }
        let elsewhere = Span { file: FileId(7), range: 0..1 };
        assert!(problem(elsewhere).render(&sources).to_string().contains("unknown field"));
    }

    #[test]
    fn long_lines_are_cut_round_the_mark() {
        let (sources, file) = sources(&format!("{}\there{}", "x".repeat(500), "y".repeat(500)));
        let text = problem(Span { file, range: 501..505 }).render(&sources).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[3].len() < 130, "{text}");
        assert_eq!(lines[3].find("here"), lines[4].find("^^^^"), "{text}");
    }

    #[test]
    fn many_places_of_a_long_line_are_found_without_going_through_it_for_each() {
        const PIECES: usize = 400_000;
        let (sources, file) = sources(&format!("a\n{}\r\nb", "é-".repeat(PIECES)));
        for piece in (0..PIECES).rev().step_by(4) {
            let at = 2 + 3 * piece;
            let span = Span { file, range: at..at + 3 };
            assert_eq!(sources.position(&span), Position { line: 2, column: 2 * piece + 1 });
            let excerpt = sources.excerpt(&span, 3, 10);
            let start = (2 * piece).saturating_sub(3);
            assert_eq!(excerpt.text.chars().count(), 10.min(2 * PIECES - start));
            assert_eq!(excerpt.is_cut_before, start > 0);
            assert_eq!(excerpt.is_cut_after, start + 10 < 2 * PIECES);
            assert_eq!(excerpt.marked, 2 * piece - start..2 * piece - start + 2);
        }
    }

    #[test]
    fn codes_are_falcos() {
        for code in Code::ALL {
            let is_error = code.name().starts_with("LOAD_ERR_");
            assert_eq!(is_error, code.severity() == Severity::Error, "{code}");
            assert!(code.is_falcos() || code.name().starts_with("K8SRD_"), "{code}");
        }
    }
}
