//! No text makes the parser or the loader panic, hang, or say nothing.
#![forbid(unsafe_code)]

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
