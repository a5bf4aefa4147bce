//! No text makes the parser or the loader panic, hang, or say nothing.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use k8srd_core::rules::diagnostic::Code;
use k8srd_core::rules::{Loader, parse_condition};
use k8srd_core::schema::Schema;
use proptest::prelude::*;

/// Pieces of conditions, whole and broken, and anything else.
fn condition() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => prop::sample::select(vec![
            "proc.name", "fd.name", "evt.type", "fd.port", "fd.net", "evt.arg.flags", "proc.aname[2]",
            "evt.rawarg.x", "and", "or", "not", "(", ")", ",", "=", "!=", "<=", ">", "in", "exists",
            "pmatch", "contains", "glob", "oneof", "tolower(", "val(", "\"a\\x41\"", "'", "\"", "[",
            "]", "5", "-1", "0x1f", "10.0.0.0/8", "::1", "true", "openat", "/etc/*", "\\", "é", "\0",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    let blank = prop::sample::select(vec!["", " ", "\n", "\t"]);
    prop::collection::vec((piece, blank), 0..40)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, blank)| piece + blank).collect())
}

/// Lines of rule files in any order and indentation.
fn file() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        8 => prop::sample::select(vec![
            "- rule: r", "- macro: m", "- list: l", "  condition: proc.name = x and m",
            "  condition: >", "    proc.name in (l)", "    or m", "  output: \"%proc.name %fd\"",
            "  output: %", "  desc: d", "  priority: debug", "  items: [a, l, b c]", "  items:",
            "  append: true", "  override:", "    condition: append", "    items: replace",
            "  exceptions:", "    - name: e", "      fields: [proc.name]", "      values: [[x]]",
            "      comps: [in]", "- required_engine_version: 0.1.0", "---", "- &a x", "- *a",
            "  tags: [a]", "  enabled: false", "- ? [", "  source: x", "#", "  condition: 'é'",
        ]).prop_map(str::to_owned),
        1 => any::<String>(),
    ];
    prop::collection::vec(line, 0..40).prop_map(|lines| lines.join("\n"))
}

/// Loads one file; says how many rules there are and what the problems are.
fn load(content: impl Into<Vec<u8>>) -> (usize, Vec<(Code, String)>) {
    let (rules, diagnostics) = Loader::new(&Schema::falco()).add_file("a", content).load();
    let problems = diagnostics.iter().map(|d| (d.code, d.message.clone())).collect();
    (rules.rules().len(), problems)
}

/// That a file has just this problem.
#[track_caller]
fn check(content: impl Into<Vec<u8>>, code: Code, message: &str) {
    let (_, problems) = load(content);
    let [(found, said)] = &problems[..] else { panic!("{} problems", problems.len()) };
    assert!(*found == code && said.contains(message), "{found}: {said}");
}

const RULE: &str = "- rule: r\n  desc: d\n  condition: evt.type = open\n  output: o\n  \
                    priority: notice\n";

#[test]
fn odd_bytes_load_or_say_why() {
    for text in [
        format!("\u{feff}{RULE}"),
        RULE.replace('\n', "\r\n"),
        RULE.replace('\n', "\r"),
        RULE.replace("open", "open\t"),
        format!("{RULE}...\n"),
        format!("# \u{1f980}\n{RULE}"),
    ] {
        assert_eq!(load(&*text), (1, vec![]), "{text:?}");
    }
    check(RULE.replace("  desc", "\tdesc"), Code::YamlParse, "not YAML");
    // Falco's reader takes a tab here, ours does not.
    check(RULE.replace("condition: ", "condition:\t"), Code::YamlParse, "whitespace");
    check([RULE.as_bytes(), b"# \xc3\x28\n"].concat(), Code::YamlParse, "not UTF-8");
    check(&b"\xff\xfe-\x00 \x00"[..], Code::YamlParse, "not UTF-8");
    // YAML does not allow NUL; whether it is told as such or as part of a value, it is told.
    for text in [RULE.replace("open", "op\0en"), format!("\0{RULE}"), format!("{RULE}\0")] {
        let (rules, problems) = load(&*text);
        assert!(rules == 1 || !problems.is_empty(), "{text:?}");
    }
}

#[test]
fn places_behind_a_byte_order_mark_are_right() {
    let text = format!("\u{feff}{}", RULE.replace("open", "opne"));
    let (_, diagnostics) = Loader::new(&Schema::falco()).add_file("a", text).load();
    let rendered = diagnostics.render().to_string();
    assert!(rendered.contains("^^^^") && rendered.contains("a:3:25"), "{rendered}");
}

#[test]
fn large_files_are_refused_before_they_are_read() {
    check(vec![b' '; 100 << 20], Code::FileRead, "more than 33554432");
}

#[test]
fn a_list_of_a_million_items_is_read_and_fits_no_condition() {
    let list = format!("- list: l\n  items: [{}x]\n", "item, ".repeat(1_000_000));
    check(&*list, Code::UnusedList, "nothing uses");
    let shorter = format!("- list: l\n  items: [{}x]\n", "item, ".repeat(200_000));
    let used = format!("{shorter}{}", RULE.replace("open", "open and proc.name in (l)"));
    check(used, Code::Validate, "longer than");
}

#[test]
fn deep_values_are_refused() {
    for open in ["[", "{a: ", "- ", "? ", "- [", "&a ["] {
        check(open.repeat(100_000), Code::YamlParse, "");
    }
    let nested = format!("{}1{}", "[".repeat(50), "]".repeat(50));
    check(format!("{RULE}  tags: [{nested}]\n"), Code::YamlValidate, "text");
}

#[test]
fn bombs_of_aliases_are_refused() {
    let mut text = "- &a0 [x, x]\n".to_owned();
    for i in 1..60 {
        writeln!(text, "- &a{i} [*a{0}, *a{0}, *a{0}]", i - 1).expect("a string takes all text");
    }
    check(text, Code::YamlParse, "aliases");
    check(format!("- &a\n  list: l\n  items: [*a]\n{RULE}"), Code::YamlParse, "within");
    // Many copies of something large: no nesting needed.
    let large = format!("- &a \"{}\"\n{}", "x".repeat(1 << 20), "- *a\n".repeat(100));
    check(large, Code::YamlParse, "aliases");
}

#[test]
fn what_names_itself_is_refused_or_stays_as_it_is() {
    let ring: String = (0..2_000)
        .map(|i| format!("- macro: m{i}\n  condition: proc.name = x\n"))
        .chain((0..2_000).map(|i| format!("- macro: m{i}\n  condition: m{}\n", (i + 1) % 2_000)))
        .collect();
    check(ring, Code::Validate, "made of itself");
    let broken = "- macro: bad\n  condition: proc.nme = x\n- macro: a\n  condition: bad\n\
                  - macro: b\n  condition: a\n- macro: a\n  condition: b or bad\n";
    let (_, problems) = load(format!("{broken}{}", RULE.replace("= open", "= open and a")));
    assert_eq!(problems.len(), 2, "that of the macro, and the circle: {problems:?}");
    let lists = "- list: a\n  items: [x]\n- list: b\n  items: [a]\n- list: a\n  items: [b]\n";
    let rule = RULE.replace("open", "open and proc.name in (a)");
    assert_eq!(load(format!("{lists}{rule}")), (1, vec![]));
}

#[test]
fn exceptions_of_one_name_are_told_once_each() {
    let same: String = (0..10_000)
        .map(|i| format!("    - {{name: e, fields: proc.name, values: [a{i}]}}\n"))
        .collect();
    let (rules, problems) = load(format!("{RULE}  exceptions:\n{same}"));
    assert_eq!((rules, problems.len()), (1, 9_999));
    assert_eq!(problems[0].0, Code::ExceptionNameNotUnique);
}

#[test]
fn exceptions_of_many_names_take_no_square_of_time() {
    const MANY: usize = 100_000;
    let all: String =
        (0..MANY).map(|i| format!("  - {{name: e{i}, fields: proc.name}}\n")).collect();
    let appended = "- rule: r\n  override: {exceptions: append}\n  exceptions:\n";
    let values: String = (0..MANY).map(|i| format!("  - {{name: e{i}, values: []}}\n")).collect();
    assert_eq!(load(format!("{RULE}  exceptions:\n{all}{appended}{values}")), (1, vec![]));
}

/// 1,000 macros with this condition and one that names them all, and rules that name that one.
fn rules_of_macros(condition: &str, rules: usize) -> String {
    let macros = (0..1000).map(|i| {
        format!(
            "- macro: m{i}
  condition: {condition}
"
        )
    });
    let names = (0..1000).map(|i| format!("m{i}")).collect::<Vec<_>>().join(" or ");
    let all = format!(
        "- macro: all
  condition: {names}
"
    );
    let rules = (0..rules).map(|i| {
        RULE.replace("rule: r", &format!("rule: r{i}")).replace("= open", "= open and all")
    });
    macros.chain([all]).chain(rules).collect()
}

#[test]
fn problems_of_macros_are_not_multiplied_by_rules() {
    let (rules, problems) = load(rules_of_macros("proc.nme = x", 10_000));
    assert_eq!((rules, problems.len()), (0, 1000));
    let skipped = "  skip-if-unknown-filter: true
";
    let text =
        rules_of_macros("proc.nme = x", 500).replace("  output", &format!("{skipped}  output"));
    let (rules, diagnostics) = Loader::new(&Schema::falco()).add_file("a", text).load();
    assert!(rules.rules().is_empty() && !diagnostics.has_errors());
    assert_eq!(diagnostics.results()[0].found.len(), 500, "each rule says why it is skipped");
    let text = rules_of_macros("proc.name = proc.exe", 500);
    let (rules, diagnostics) = Loader::new(&Schema::falco()).add_file("a", text).load();
    assert_eq!((rules.rules().len(), diagnostics.len()), (500, 1000));
    assert!(diagnostics.results()[0].found.len() < 110_000);
}

#[test]
fn undefined_macros_of_a_macro_are_told_up_to_what_anybody_reads() {
    let names = (0..50_000).map(|i| format!("undefined{i}")).collect::<Vec<_>>().join(" or ");
    let (_, problems) = load(format!(
        "{RULE}- macro: m
  condition: {names}
"
    ));
    assert_eq!(problems.len(), 100);
}

#[test]
fn what_names_a_changed_macro_is_found_in_linear_time() {
    const MANY: usize = 50_000;
    // A macro sees those that were there before it was last defined.
    let first = (0..=MANY).map(|i| {
        format!(
            "- macro: m{i}
  condition: proc.name = x
"
        )
    });
    let chain = (0..MANY).map(|i| {
        format!(
            "- macro: m{i}
  condition: m{}
",
            i + 1
        )
    });
    let rule = RULE.replace("= open", "= open and m0");
    let text: String = first.chain(chain).chain([rule]).collect();
    let change = format!(
        "- macro: m{MANY}
  condition: proc.name = changed
"
    );
    let loader = Loader::new(&Schema::falco()).add_file("a", text).add_file("b", change);
    let (rules, diagnostics) = loader.load();
    assert!(diagnostics.is_empty(), "{}", diagnostics.render());
    let condition = rules.rules()[0].condition().to_string();
    assert!(condition.contains("changed"), "{condition}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..Default::default() })]

    #[test]
    fn a_condition_is_read_or_refused_with_reasons(text in condition()) {
        let (condition, diagnostics) = parse_condition(&Schema::falco(), &text);
        prop_assert_eq!(condition.is_none(), diagnostics.has_errors());
        prop_assert_eq!(diagnostics.render().to_string().is_empty(), diagnostics.is_empty());
    }

    #[test]
    fn a_file_is_read_or_refused_with_reasons(first in file(), second in file()) {
        let loader = Loader::new(&Schema::falco()).add_file("a", first).add_file("b", second);
        let (rules, diagnostics) = loader.load();
        prop_assert_eq!(diagnostics.render().to_string().is_empty(), diagnostics.is_empty());
        prop_assert!(rules.rules().len() <= 80);
    }

    #[test]
    fn what_is_printed_is_read_again(
        names in prop::collection::vec("[ -~]{0,20}", 1..6),
        operator in prop::sample::select(vec!["in", "intersects", "pmatch"]),
    ) {
        let quoted: Vec<_> = names
            .iter()
            .map(|name| format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\"")))
            .collect();
        let text = format!("proc.exe {operator} ({})", quoted.join(", "));
        let (condition, diagnostics) = parse_condition(&Schema::falco(), &text);
        prop_assert!(!diagnostics.has_errors(), "{}", diagnostics.render());
        let Some(k8srd_core::rules::ast::Condition::Check(check)) = condition else {
            return Err(TestCaseError::fail("no comparison"));
        };
        let operands: Vec<_> = names.iter().map(|name| name.as_str().into()).collect();
        prop_assert_eq!(check.constants(), operands);
    }
}
