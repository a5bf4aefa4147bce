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

const CASES: u32 = 100_000;
/// Compiling a ruleset for each case is slower than judging a condition.
const PLANNED_CASES: u32 = 4_000;
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
    /// The operand, the operator with a modifier, and the constants or the other operand as written.
    Check(String),
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Not(Box<Tree>),
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Check(text) => f.write_str(text),
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
            Tree::Check(_) | Tree::Not(_) => write!(f, "{part}")?,
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
    Bytes,
    Real,
    /// A param of a type that only the event tells.
    Dynamic,
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
    ("proc.pname", Pool::Text, false),
    ("fd.cip", Pool::Ip, false),
    ("fd.cport", Pool::Port, false),
    ("evt.buffer", Pool::Bytes, false),
    ("thread.exectime", Pool::Natural, false),
    ("thread.cpu", Pool::Real, false),
    ("evt.rawarg.flags", Pool::Dynamic, false),
    ("fd.types", Pool::Text, true),
    ("k8smeta.svc.name", Pool::Text, true),
];

/// Fields whose values are lists, not ends nor ancestors.
const LISTS: [&str; 2] = ["fd.types", "k8smeta.svc.name"];

const TEXTS: [&str; 6] =
    ["proc.name", "proc.pname", "proc.cmdline", "container.id", "proc.exe", "fd.name"];

const KINDS: [&str; 5] = ["open", "openat", "creat", "connect", "execve"];

impl Pool {
    /// The operators that a field of this pool takes. A pair of ends and a list know fewer.
    fn operators(self, field: &str) -> &'static [&'static str] {
        let ends = matches!(field, "fd.ip" | "fd.net" | "fd.port");
        match self {
            _ if LISTS.contains(&field) => &["in", "intersects", "exists"],
            Self::Port if ends => &["=", "==", "!=", "<", ">=", "in", "exists"],
            _ if ends => &["=", "==", "!=", "in", "exists"],
            Self::Text | Self::Path => &[
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
                "pmatch",
                "regex",
                "exists",
            ],
            Self::Number | Self::Natural | Self::Port | Self::Real | Self::Dynamic => {
                &["=", "!=", "<", "<=", ">", ">=", "in", "intersects", "exists"]
            }
            Self::Bytes => &[
                "=",
                "!=",
                "in",
                "contains",
                "startswith",
                "endswith",
                "bcontains",
                "bstartswith",
                "exists",
            ],
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
            Self::Port => of(&["0", "22", "80", "443", "65535", "https", "ssh"]),
            Self::Real => of(&["-1", "0", "1", "2"]),
            Self::Dynamic => of(&["0", "1", "0x1", "2", "0x10"]),
            // A quoted text holds no NUL byte.
            Self::Bytes => {
                bytes().prop_map(|b| b.into_iter().filter(|b| *b != 0).collect()).boxed()
            }
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
            Self::Real => select(&[-1.0, 0.0, 0.5, 1.0, f64::NAN][..]).prop_map_into().boxed(),
            Self::Dynamic => prop_oneof![
                select(&[-1, 0, 1, 2][..]).prop_map_into(),
                text().prop_map(|text| TestValue::from(&*text)),
                any::<bool>().prop_map_into(),
            ]
            .boxed(),
            Self::Bytes => bytes().prop_map(|bytes| TestValue::from(&*bytes)).boxed(),
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

/// Buffers with NUL bytes in them, base64 now and then.
fn bytes() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![vec(select(b"ab\0\xff".to_vec()), 0..4), vec(select(b"YQ=Aa\0".to_vec()), 0..5),]
        .boxed()
}

/// Regular expressions, each piece of which is one in RE2's POSIX syntax.
fn regex() -> BoxedStrategy<Vec<u8>> {
    let pieces: &[&str] = &[
        "a",
        "b",
        "A",
        "a*",
        "b+",
        "(a|b)",
        "(ab|a)*",
        ".",
        ".*",
        "[ab]",
        "[^a]",
        "[[:upper:]a-]",
        "a{2}",
        "b{0,2}",
        "(a.)?",
        "^",
        "$",
        "\\.",
        "\\x41",
        "{",
        "|",
        "a**",
        "[]b]",
        "\n",
        "é",
    ];
    vec(select(pieces), 0..6).prop_map(|pieces| pieces.concat().into_bytes()).boxed()
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
    let check = prop_oneof![
        6 => with_constants(select(FIELDS).prop_map(|(field, pool, _)| (field.to_owned(), pool))),
        2 => with_constants(transformed()),
        2 => with_operand(),
    ];
    check.prop_recursive(3, 10, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 2..4).prop_map(Tree::And),
            vec(inner.clone(), 2..4).prop_map(Tree::Or),
            inner.prop_map(|inner| Tree::Not(Box::new(inner))),
        ]
    })
}

/// A field or transformed value that is compared with constants. The name of a transformed one is
/// that of no field, which the operators of its pool do not mind.
fn with_constants(
    operands: impl Strategy<Value = (String, Pool)> + 'static,
) -> BoxedStrategy<Tree> {
    let check = operands.prop_flat_map(|(operand, pool)| {
        let operators = pool.operators(&operand);
        (Just(operand), Just(pool), select(operators))
    });
    // Only set operators and modifiers use more than the first constant; a long list may take
    // another way.
    check
        .prop_flat_map(|(operand, pool, operator)| {
            let constant = match operator {
                "regex" => regex(),
                "pmatch" => path(),
                "bcontains" | "bstartswith" => bytes().prop_map(|bytes| hex(&bytes)).boxed(),
                _ => pool.constant(),
            };
            let modifier = select(&["", "", "", "oneof ", "anyof ", "allof "][..]);
            (vec(constant, 1..12), modifier).prop_map(move |(constants, modifier)| {
                Tree::Check(written(&operand, operator, modifier, &constants))
            })
        })
        .boxed()
}

fn written(operand: &str, operator: &str, modifier: &str, constants: &[Vec<u8>]) -> String {
    let list = |all: &[Vec<u8>]| {
        format!("({})", all.iter().map(|one| quoted(one)).collect::<Vec<_>>().join(", "))
    };
    let first = &constants[0];
    match operator {
        "exists" => format!("{operand} exists"),
        "in" | "intersects" | "pmatch" => format!("{operand} {operator} {}", list(constants)),
        // The grammar takes bare numbers only behind `<` and its like.
        "<" | "<=" | ">" | ">=" => {
            let number = String::from_utf8_lossy(first);
            let number =
                if number.starts_with(|c: char| c.is_alphabetic()) { "7" } else { &number };
            format!("{operand} {operator} {number}")
        }
        // Few, so that one or all pass often enough.
        _ if !modifier.is_empty() => {
            let few = &constants[..constants.len().min(3)];
            format!("{operand} {operator} {modifier}{}", list(few))
        }
        _ => format!("{operand} {operator} {}", quoted(first)),
    }
}

fn hex(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes()
}

/// A text operand: a field or what a transformer makes of it.
fn text_operand() -> BoxedStrategy<String> {
    let field = select(&TEXTS[..]).prop_map(str::to_owned);
    field
        .prop_recursive(3, 6, 3, |inner| {
            let one = select(&["tolower", "toupper", "basename", "b64"][..]);
            let literal = text().prop_map(|text| quoted(&text));
            let part = prop_oneof![inner.clone(), literal];
            let list = vec(prop_oneof![part.clone(), Just("fd.num".to_owned())], 0..4)
                .prop_map(|parts| format!("({})", parts.join(", ")));
            let args = vec(
                prop_oneof![
                    3 => select(&["-a", "-b", "-ab", "-abx", "--", "--a", "x", "-", "-c"][..])
                        .prop_map(|arg| quoted(arg.as_bytes())),
                    1 => inner.clone(),
                ],
                0..4,
            )
            .prop_map(|args| format!("({})", args.join(", ")));
            let options = select(&["ab:", "a:b", ":ab", "", "aa:"][..]);
            prop_oneof![
                (one, inner.clone()).prop_map(|(name, arg)| format!("{name}({arg})")),
                (part.clone(), list).prop_map(|(by, list)| format!("join({by}, {list})")),
                vec(part, 2..4).prop_map(|parts| format!("concat({})", parts.join(", "))),
                (args, options, select(&["a", "b"][..])).prop_map(|(args, options, option)| {
                    format!("getopt({args}, \"{options}\")[{option}]")
                }),
            ]
        })
        .boxed()
}

/// A transformed value and the pool that its constants are taken from.
fn transformed() -> BoxedStrategy<(String, Pool)> {
    let call = |name: &'static str, pool: Pool| {
        text_operand().prop_map(move |operand| (format!("{name}({operand})"), pool))
    };
    prop_oneof![
        4 => call("tolower", Pool::Text),
        2 => call("toupper", Pool::Text),
        2 => call("basename", Pool::Path),
        2 => call("b64", Pool::Text),
        2 => call("len", Pool::Natural),
        1 => Just(("b64(evt.buffer)".to_owned(), Pool::Bytes)),
        1 => Just(("len(evt.buffer)".to_owned(), Pool::Natural)),
        1 => Just(("len(fd.types)".to_owned(), Pool::Natural)),
        1 => Just(("len(getopt((proc.name, \"-a\", proc.exe), \"ab:\"))".to_owned(), Pool::Natural)),
        1 => Just(("join(\"\", fd.types)".to_owned(), Pool::Text)),
        2 => text_operand().prop_map(|operand| (format!("concat({operand}, \"a\")"), Pool::Text)),
    ]
    .boxed()
}

/// A comparison of two operands.
fn with_operand() -> BoxedStrategy<Tree> {
    let right = |operand: String| match operand.ends_with([')', ']']) {
        true => operand,
        false => format!("val({operand})"),
    };
    let pair = |operators: &'static [&'static str], pairs: &'static [(&str, &str)]| {
        (select(operators), select(pairs))
            .prop_map(|(operator, (left, right))| format!("{left} {operator} {right}"))
            .boxed()
    };
    let texts = [
        "=",
        "!=",
        "<",
        ">=",
        "in",
        "intersects",
        "contains",
        "icontains",
        "startswith",
        "endswith",
        "glob",
        "iglob",
    ];
    prop_oneof![
        6 => (text_operand(), select(texts.to_vec()), text_operand())
            .prop_map(move |(a, operator, b)| format!("{a} {operator} {}", right(b))),
        1 => pair(&["=", "!=", "<", ">", "in"], &[
            ("fd.num", "val(evt.rawres)"),
            ("fd.sport", "val(fd.cport)"),
            ("len(proc.name)", "len(proc.pname)"),
            ("len(k8smeta.svc.name)", "len(getopt((proc.name, proc.exe), \"ab:\"))"),
        ]),
        1 => pair(&["=", "!=", "in"], &[("fd.sip", "val(fd.cip)")]),
        1 => pair(&["in", "intersects"], &[
            ("k8smeta.svc.name", "tolower((proc.name, proc.pname, \"a\"))"),
            ("getopt((proc.name, \"-ab\"), \"ab:\")", "val(k8smeta.svc.name)"),
        ]),
        1 => pair(&["=", "contains", "bcontains", "startswith", "bstartswith", "endswith"], &[
            ("evt.buffer", "b64(evt.buffer)"),
        ]),
    ]
    .prop_map(Tree::Check)
    .boxed()
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
        // A plan knows which kinds have a param.
        let has_flags = matches!(self.kind, "open" | "openat");
        let fields =
            self.fields.iter().filter(|(name, _)| has_flags || !name.starts_with("evt.rawarg"));
        fields.fold(TestEvent::falco(self.kind), |event, (name, value)| match value {
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
                // Both ends of a connection are two; ancestors are any number but none; lists
                // may be empty.
                let range = match name {
                    _ if LISTS.contains(&name) => 0..4,
                    name if name.starts_with("fd.") => 2..3,
                    _ => 1..4,
                };
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
