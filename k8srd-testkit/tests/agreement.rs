//! The rule engine and the reference agree on generated conditions over generated events.
//!
//! Values come from small pools, so that a comparison holds often enough to be worth it. A case
//! that fails is shrunk and printed; it becomes a row of `testdata/conditions`.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the test run says how many cases there were")]

use std::collections::BTreeMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use k8srd_core::arena::Arena;
use k8srd_core::matcher::{Matcher, Verdicts};
use k8srd_core::rules::{self, Loader, Plan, PlanOptions, RuleMatcher};
use k8srd_core::schema::Schema;
use k8srd_testkit::event::TestEvent;
use k8srd_testkit::reference;
use k8srd_testkit::value::TestValue;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::TestRunner;

const CASES: u32 = 20_000;
/// Compiling a ruleset for each case is slower than judging a condition.
const PLANNED_CASES: u32 = 2_000;
/// How many events each condition is asked about.
const EVENTS: u32 = 5;

#[test]
fn on_conditions() {
    let schema = Schema::falco();
    let seen = Truths::default();
    run(CASES, |condition, events| {
        let (parsed, diagnostics) = rules::parse_condition(&schema, condition);
        let parsed = parsed.ok_or_else(|| refused(&diagnostics))?;
        for event in events {
            let arena = Arena::default();
            let expected = reference::evaluate(&parsed, event, &arena);
            prop_assert_eq!(rules::evaluate(&parsed, event, &arena), expected);
            seen.count(expected);
        }
        Ok(())
    });
    seen.report("conditions");
}

#[test]
fn on_rules_compiled_to_a_plan() {
    let schema = Schema::falco();
    let seen = Truths::default();
    run(PLANNED_CASES, |condition, events| {
        // A literal block holds any text; generated conditions are one line.
        let file = format!(
            "- rule: r\n  desc: d\n  output: o\n  priority: notice\n  condition: |\n    {condition}\n"
        );
        let (ruleset, diagnostics) = Loader::new(&schema).add_file("r.yaml", file).load();
        let Some(rule) = ruleset.rules().first().cloned() else {
            return Err(refused(&diagnostics));
        };
        let mut matcher = RuleMatcher::new(Plan::compile(ruleset, PlanOptions::default()));
        for event in events {
            let (arena, mut verdicts) = (Arena::default(), Verdicts::default());
            let expected = reference::evaluate(rule.condition(), event, &arena);
            matcher.evaluate(event, None, &arena, &mut verdicts);
            let found = match (verdicts.alerts.len(), verdicts.waiting.len()) {
                (1, 0) => Some(true),
                (0, 1) => None,
                (0, 0) => Some(false),
                other => return Err(TestCaseError::fail(format!("alerts and waits: {other:?}"))),
            };
            prop_assert_eq!(found, expected);
            seen.count(expected);
        }
        Ok(())
    });
    seen.report("rules");
}

/// Runs `test` on as many conditions and events as make `cases` pairs.
fn run(cases: u32, test: impl Fn(&str, &[TestEvent]) -> Result<(), TestCaseError>) {
    let config = ProptestConfig {
        cases: cases / EVENTS,
        // A failure is kept as a row of the corpus, not in a file of seeds.
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let input = (condition(), vec(sketch(), EVENTS as usize));
    let outcome = TestRunner::new(config).run(&input, |(condition, sketches)| {
        let events: Vec<_> = sketches.iter().map(Sketch::build).collect();
        test(&condition.to_string(), &events)
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

fn refused(diagnostics: &rules::Diagnostics) -> TestCaseError {
    TestCaseError::fail(format!("a valid condition is refused\n{}", diagnostics.render()))
}

/// How often each answer came, to show that the generated cases are worth their name.
#[derive(Default)]
struct Truths {
    yes: AtomicUsize,
    no: AtomicUsize,
    unknown: AtomicUsize,
}

impl Truths {
    fn count(&self, truth: Option<bool>) {
        let counter = match truth {
            Some(true) => &self.yes,
            Some(false) => &self.no,
            None => &self.unknown,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    fn report(&self, what: &str) {
        let get = |counter: &AtomicUsize| counter.load(Ordering::Relaxed);
        let (yes, no, unknown) = (get(&self.yes), get(&self.no), get(&self.unknown));
        let cases = yes + no + unknown;
        println!("{what}: {cases} cases agree: {yes} true, {no} false, {unknown} unknown");
        let least = cases / 50;
        assert!(
            yes > least && no > least && unknown > least,
            "the generated cases are lopsided: {yes} true, {no} false, {unknown} unknown"
        );
    }
}

/// A condition as text, before it is written.
#[derive(Clone, Debug)]
enum Tree {
    Check { field: &'static str, operator: &'static str, operands: Vec<Vec<u8>> },
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check { field, operator: "exists", .. } => write!(f, "{field} exists"),
            Self::Check { field, operator, operands } if is_set(operator) => {
                write!(f, "{field} {operator} (")?;
                for (i, operand) in operands.iter().enumerate() {
                    write!(f, "{}{}", if i == 0 { "" } else { ", " }, quoted(operand))?;
                }
                f.write_char(')')
            }
            // The grammar takes bare numbers only behind `<` and its like.
            Self::Check { field, operator, operands } if is_order(operator) => {
                write!(f, "{field} {operator} {}", String::from_utf8_lossy(&operands[0]))
            }
            Self::Check { field, operator, operands } => {
                write!(f, "{field} {operator} {}", quoted(&operands[0]))
            }
            Self::And(parts) => join(f, parts, " and "),
            Self::Or(parts) => join(f, parts, " or "),
            Self::Not(inner) => write!(f, "not ({inner})"),
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Tree], word: &str) -> fmt::Result {
    for (i, part) in parts.iter().enumerate() {
        f.write_str(if i == 0 { "" } else { word })?;
        match part {
            Tree::And(_) | Tree::Or(_) => write!(f, "({part})")?,
            Tree::Check { .. } | Tree::Not(_) => write!(f, "{part}")?,
        }
    }
    Ok(())
}

fn quoted(bytes: &[u8]) -> String {
    let mut text = String::from('"');
    for &byte in bytes {
        match byte {
            b'"' | b'\\' => text.extend(['\\', char::from(byte)]),
            b' '..=b'~' => text.push(char::from(byte)),
            _ => {
                let _ = write!(text, "\\x{byte:02x}");
            }
        }
    }
    text.push('"');
    text
}

fn is_set(operator: &str) -> bool {
    matches!(operator, "in" | "intersects" | "pmatch")
}

fn is_order(operator: &str) -> bool {
    matches!(operator, "<" | "<=" | ">" | ">=")
}

/// What a field's values and constants are taken from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Pool {
    Text,
    Path,
    Number,
    Natural,
    Port,
    Ip,
    Net,
    Truth,
    Kind,
}

/// Fields, what they hold, and whether an event may give them several values. None of them follows
/// from the event's kind but `evt.type`: a plan knows what a kind decides, and no event tells a
/// field that its kind does not have.
const FIELDS: &[(&str, Pool, bool)] = &[
    ("proc.name", Pool::Text, false),
    ("proc.cmdline", Pool::Text, false),
    ("container.id", Pool::Text, false),
    ("proc.aname[2]", Pool::Text, false),
    ("proc.exe", Pool::Text, false),
    ("fd.name", Pool::Path, false),
    ("fd.num", Pool::Number, false),
    ("evt.rawres", Pool::Number, false),
    ("user.uid", Pool::Natural, false),
    ("proc.duration", Pool::Natural, false),
    ("fd.sport", Pool::Port, false),
    ("fd.sip", Pool::Ip, false),
    ("fd.snet", Pool::Net, false),
    ("proc.is_exe_writable", Pool::Truth, false),
    ("evt.type", Pool::Kind, false),
    ("proc.aname", Pool::Text, true),
    ("proc.aexepath", Pool::Path, true),
    ("proc.apid", Pool::Number, true),
    ("fd.ip", Pool::Ip, true),
    ("fd.port", Pool::Port, true),
    ("fd.net", Pool::Net, true),
];

const KINDS: [&str; 5] = ["open", "openat", "creat", "connect", "execve"];

impl Pool {
    /// The operators that a field of this pool takes. A pair of ends knows fewer.
    fn operators(self, ends: bool) -> &'static [&'static str] {
        match self {
            _ if ends => &["=", "==", "!=", "in", "exists"],
            Self::Text => &[
                "=",
                "!=",
                "in",
                "intersects",
                "contains",
                "icontains",
                "startswith",
                "endswith",
                "glob",
                "iglob",
                "exists",
            ],
            Self::Path => {
                &["=", "!=", "in", "contains", "startswith", "endswith", "glob", "pmatch", "exists"]
            }
            Self::Number | Self::Natural | Self::Port => {
                &["=", "!=", "<", "<=", ">", ">=", "in", "intersects", "exists"]
            }
            Self::Ip | Self::Net | Self::Truth => &["=", "!=", "in", "intersects", "exists"],
            Self::Kind => &["=", "!=", "in"],
        }
    }

    /// A constant, as its text.
    fn constant(self) -> BoxedStrategy<Vec<u8>> {
        let of = |all: &'static [&'static str]| select(all).prop_map(|one| one.into()).boxed();
        match self {
            Self::Text => text(),
            Self::Path => path(),
            Self::Number => of(&["-1", "0", "1", "2", "0x3", "-9223372036854775808"]),
            Self::Natural => of(&["0", "1", "2", "3", "0x10", "18446744073709551615"]),
            Self::Port => of(&["0", "22", "80", "443", "65535"]),
            Self::Ip => of(&["10.0.0.1", "10.0.0.2", "::1", "::ffff:10.0.0.1"]),
            Self::Net => of(&["10.0.0.0/8", "10.0.0.0/31", "0.0.0.0/0", "::/0", "fd00::/9"]),
            Self::Truth => of(&["true", "false"]),
            Self::Kind => of(&KINDS),
        }
    }

    /// A value of an event.
    fn value(self) -> BoxedStrategy<TestValue> {
        let ips = ["10.0.0.1", "10.0.0.3", "11.0.0.1", "::1", "fd00::1", "::ffff:10.0.0.1"];
        match self {
            Self::Text | Self::Kind => {
                // Now and then something behind a NUL byte, which no comparison sees.
                (text(), prop_oneof![9 => Just(&b""[..]), 1 => Just(&b"\0ab"[..])])
                    .prop_map(|(text, tail)| TestValue::from(&*[&text, tail].concat()))
                    .boxed()
            }
            Self::Path => path().prop_map(|path| TestValue::from(&*path)).boxed(),
            Self::Number => select(&[-1, 0, 1, 2, 3, i64::MIN][..]).prop_map_into().boxed(),
            Self::Natural => select(&[0, 1, 2, 3, 16, u64::MAX][..]).prop_map_into().boxed(),
            Self::Port => select(&[0_u16, 22, 80, 443, 65535][..]).prop_map_into().boxed(),
            Self::Ip | Self::Net => select(ips.to_vec()).prop_map_into().boxed(),
            Self::Truth => any::<bool>().prop_map_into().boxed(),
        }
    }
}

/// Short texts over few bytes: equal often, and full of what patterns mean something by.
fn text() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        4 => vec(select(b"aAb".to_vec()), 0..4),
        2 => vec(select(b"ab*?[]!-\\.".to_vec()), 0..6),
        1 => vec(select(b"a \"'(),=\xff\xc3\x01".to_vec()), 0..4),
    ]
    .boxed()
}

fn path() -> BoxedStrategy<Vec<u8>> {
    let component = select(vec!["a", "b", "ab", "*", "a*", "?", "[ab]", ".", ""]);
    (vec(component, 0..4), any::<bool>())
        .prop_map(|(components, rooted)| {
            let root = if rooted { "/" } else { "" };
            format!("{root}{}", components.join("/")).into_bytes()
        })
        .boxed()
}

fn condition() -> impl Strategy<Value = Tree> {
    let check = select(FIELDS).prop_flat_map(|(field, pool, many)| {
        let ends = many && field.starts_with("fd.");
        // Only set operators use more than the first constant; a long list may take another way.
        (select(pool.operators(ends)), vec(pool.constant(), 1..12))
            .prop_map(move |(operator, operands)| Tree::Check { field, operator, operands })
    });
    check.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Tree::And),
            vec(inner.clone(), 2..4).prop_map(Tree::Or),
            inner.prop_map(|inner| Tree::Not(Box::new(inner))),
        ]
    })
}

/// An event before it is built: what a failed case prints.
#[derive(Clone, Debug)]
struct Sketch {
    kind: &'static str,
    /// `None` is pending.
    fields: BTreeMap<&'static str, Option<TestValue>>,
}

impl Sketch {
    fn build(&self) -> TestEvent {
        self.fields.iter().fold(TestEvent::falco(self.kind), |event, (name, value)| match value {
            Some(value) => event.field(name, value.clone()),
            None => event.pending(name),
        })
    }
}

fn sketch() -> impl Strategy<Value = Sketch> {
    // evt.type follows from the kind.
    let fields: Vec<_> =
        FIELDS.iter().copied().filter(|&(_, pool, _)| pool != Pool::Kind).collect();
    let count = fields.len();
    let present = subsequence(fields, 0..=count).prop_flat_map(|fields| {
        let one = |(name, pool, many): (&'static str, Pool, bool)| {
            let value = if many {
                // Both ends of a connection are two; ancestors are any number but none.
                let range = if name.starts_with("fd.") { 2..3 } else { 1..4 };
                vec(pool.value(), range).prop_map(TestValue::List).boxed()
            } else {
                pool.value()
            };
            prop_oneof![6 => value.prop_map(Some), 1 => Just(None)].prop_map(move |v| (name, v))
        };
        fields.into_iter().map(one).collect::<Vec<_>>()
    });
    (select(&KINDS[..]), present)
        .prop_map(|(kind, fields)| Sketch { kind, fields: fields.into_iter().collect() })
}
