//! Rule files as a whole: what one item does to another.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use k8srd_core::alert::Priority;
use k8srd_core::rules::ast::Condition;
use k8srd_core::rules::diagnostic::{Code, Diagnostic, Severity};
use k8srd_core::rules::{Diagnostics, Loader, RuleSet, Selector};
use k8srd_core::schema::Schema;
use k8srd_core::value::OwnedValue;

fn load(files: &[&str]) -> (RuleSet, Diagnostics) {
    let loader = Loader::new(&Schema::falco());
    let names = (0..).map(|i| format!("{i}.yaml"));
    files.iter().zip(names).fold(loader, |loader, (text, name)| loader.add_file(name, *text)).load()
}

/// A rule that compares `proc.name`, with the rest of its keys.
fn rule(name: &str, condition: &str) -> String {
    format!(
        "- rule: {name}\n  desc: d\n  priority: notice\n  output: o\n  warn_evttypes: false\n  \
         condition: {condition}\n"
    )
}

/// The condition of the first rule, as text.
fn condition(files: &[&str]) -> String {
    let (rules, diagnostics) = load(files);
    assert!(!diagnostics.has_errors(), "{files:?}\n{}", diagnostics.render());
    show(rules.rules().first().expect("a rule").condition())
}

fn show(condition: &Condition) -> String {
    let join = |word: &str, all: &[Condition]| {
        format!("({})", all.iter().map(show).collect::<Vec<_>>().join(word))
    };
    match condition {
        Condition::Const(value) => value.to_string(),
        Condition::All(all) => join(" and ", all),
        Condition::Any(all) => join(" or ", all),
        Condition::Not(inner) => format!("not {}", show(inner)),
        Condition::Check(check) => {
            let text = |value: &OwnedValue| match value {
                OwnedValue::Str(text) => String::from_utf8_lossy(text).into_owned(),
                other => format!("{other:?}"),
            };
            check.constants().iter().map(text).collect::<Vec<_>>().join("+")
        }
    }
}

/// The codes of all problems.
fn codes(files: &[&str]) -> Vec<Code> {
    load(files).1.iter().map(|diagnostic| diagnostic.code).collect()
}

#[track_caller]
fn check_error(files: &[&str], code: Code, message: &str) {
    let (_, diagnostics) = load(files);
    let errors: Vec<_> = diagnostics.iter().filter(|d| d.severity == Severity::Error).collect();
    let [error] = errors[..] else { panic!("{files:?}\n{}", diagnostics.render()) };
    assert_eq!(error.code, code, "{}", diagnostics.render());
    assert!(error.message.contains(message), "{}", diagnostics.render());
}

#[test]
fn lists_are_text_and_see_those_before_them() {
    let uses = rule("r", "proc.name in (b)");
    let before = format!("- list: a\n  items: [x, y z]\n- list: b\n  items: [a, w]\n{uses}");
    assert_eq!(condition(&[&before]), "x+y z+w");
    let after = format!("- list: b\n  items: [a, w]\n- list: a\n  items: [x]\n{uses}");
    // Not resolved as an item; but as text, since lists go into conditions one after the other.
    assert_eq!(condition(&[&after]), "x+w");
    let later = format!("{uses}- list: b\n  items: [x]\n");
    assert_eq!(condition(&[&later]), "x");
    let empty = format!("- list: b\n  items: []\n{}", rule("r", "proc.name in (v, b)"));
    assert_eq!(condition(&[&empty]), "v");
}

#[test]
fn a_list_of_lists_of_lists_resolves_as_far_as_in_falco() {
    let lists = "- list: a\n  items: [x]\n- list: b\n  items: [a]\n- list: c\n  items: [b]\n";
    let text = format!("{lists}{}", rule("r", "proc.name in (c)"));
    assert_eq!(condition(&[&text]), "a");
}

#[test]
fn what_is_defined_again_is_replaced_and_keeps_its_place() {
    let first = format!("{}{}", rule("r", "proc.name = a"), rule("s", "proc.name = b"));
    let second = rule("r", "proc.name = c");
    let (rules, _) = load(&[&first, &second]);
    let names: Vec<_> = rules.rules().iter().map(|rule| &*rule.info().name).collect();
    assert_eq!(names, ["r", "s"]);
    assert_eq!(condition(&[&first, &second]), "c");
}

#[test]
fn appends_and_overrides_change_what_is_there() {
    let base = format!(
        "- list: names\n  items: [a]\n- macro: m\n  condition: proc.name in (names)\n{}",
        rule("r", "m")
    );
    let list = "- list: names\n  items: [b]\n  override: {items: append}\n";
    assert_eq!(condition(&[&base, list]), "a+b");
    let list = "- list: names\n  items: [b]\n  append: true\n";
    assert_eq!(condition(&[&base, list]), "a+b");
    let list = "- list: names\n  items: [b]\n  override: {items: replace}\n";
    assert_eq!(condition(&[&base, list]), "b");
    let item = "- macro: m\n  condition: or proc.name = c\n  override: {condition: append}\n";
    assert_eq!(condition(&[&base, item]), "(a or c)");
    let item = "- rule: r\n  condition: and proc.name = d\n  append: true\n";
    assert_eq!(condition(&[&base, item]), "(a and d)");
    let item = "- rule: r\n  condition: proc.name = e\n  enabled: false\n  tags: [z, y]\n  \
                output: p\n  priority: debug\n  override: {condition: replace, enabled: replace, \
                tags: append, output: append, priority: replace}\n";
    let (rules, diagnostics) = load(&[&base, item]);
    assert!(!diagnostics.has_errors(), "{}", diagnostics.render());
    let changed = &rules.rules()[0];
    assert_eq!(show(changed.condition()), "e");
    assert!(!changed.is_enabled());
    assert_eq!(changed.info().tags, ["y", "z"]);
    assert_eq!(changed.info().priority, Priority::Debug);
}

#[test]
fn what_is_not_there_cannot_be_changed() {
    for (item, message) in [
        ("- list: x\n  items: []\n  append: true\n", "list \"x\""),
        ("- list: x\n  items: []\n  override: {items: append}\n", "list \"x\""),
        ("- macro: x\n  condition: y\n  append: true\n", "macro \"x\""),
        ("- rule: x\n  condition: y\n  append: true\n", "rule \"x\""),
        ("- rule: x\n  enabled: false\n", "rule \"x\""),
    ] {
        check_error(&[item], Code::Validate, message);
    }
    // Replaced by what is there now.
    let list = "- list: l\n  items: [a]\n  override: {items: replace}\n";
    let item = "- macro: m\n  condition: proc.name in (l)\n  override: {condition: replace}\n";
    assert_eq!(condition(&[&format!("{list}{item}{}", rule("r", "m"))]), "a");
}

#[test]
fn macros_see_those_before_them_and_rules_see_all() {
    let chain = "- macro: a\n  condition: proc.name = x\n- macro: b\n  condition: not a\n";
    assert_eq!(condition(&[&format!("{}{chain}", rule("r", "b or a"))]), "(not x or x)");
    let wrong = "- macro: b\n  condition: not a\n- macro: a\n  condition: proc.name = x\n";
    check_error(&[wrong], Code::Validate, "undefined macro a");
    check_error(&[&rule("r", "nothing")], Code::Validate, "undefined macro nothing");
    // Defined again, `a` is placed where it was, and sees what is there by now.
    let again = "- macro: a\n  condition: b\n";
    check_error(&[chain, again], Code::Validate, "a -> b -> a");
    check_error(&["- macro: a\n  condition: a\n"], Code::Validate, "undefined macro a");
}

#[test]
fn a_macro_in_error_is_reported_once_however_often_it_is_named() {
    let text = format!(
        "- macro: m\n  condition: proc.nme = x\n{}{}",
        rule("r", "m"),
        rule("s", "m or proc.name = x")
    );
    check_error(&[&text], Code::CompileCondition, "unknown field proc.nme");
    let unused = "- macro: m\n  condition: proc.nme = x\n";
    assert_eq!(codes(&[unused]), [Code::UnusedMacro]);
}

#[test]
fn every_problem_is_found_in_one_run() {
    let text = format!(
        "{}{}- list: l\n- macro: m\n  condition: \"(a\"\n",
        rule("r", "proc.nme = x and evt.type = opne and fd.num = y"),
        rule("s", "proc.name ="),
    );
    let (rules, diagnostics) = load(&[&text]);
    assert_eq!(rules.rules().len(), 0);
    assert_eq!(diagnostics.len(), 6, "{}", diagnostics.render());
    let rendered = diagnostics.render().to_string();
    for line in ["did you mean proc.name?", "did you mean open?", "0.yaml:6:14", "^^^^^^^^"] {
        assert!(rendered.contains(line), "{rendered}");
    }
}

#[test]
fn problems_point_to_where_they_were_written() {
    let text = "- list: kinds\n  items: [opne]\n- rule: r\n  desc: d\n  priority: info\n  \
                output: \"%proc.nme\"\n  condition: >\n    evt.type in (kinds) and\n    \
                proc.nme = x\n";
    let (_, diagnostics) = load(&[text]);
    let sources = diagnostics.sources();
    let places: Vec<_> = diagnostics
        .iter()
        .map(|d| {
            let span = d.span.as_ref().expect("a place");
            let at = sources.position(span);
            (at.line, at.column, &sources.text(span.file)[span.range.clone()])
        })
        .collect();
    assert_eq!(places, [(6, 12, "%proc.nme"), (8, 18, "kinds"), (9, 5, "proc.nme")]);
}

#[test]
fn unknown_fields_may_skip_a_rule() {
    let skipped = rule("r", "proc.nme = x") + "  skip-if-unknown-filter: true\n";
    let (rules, diagnostics) = load(&[&skipped]);
    assert!(!diagnostics.has_errors() && rules.rules().is_empty());
    assert_eq!(codes(&[&skipped]), [Code::UnknownFilter]);
    // The first problem decides.
    let unknown_first = "proc.nme = x and fd.num = y";
    let wrong_first = "fd.num = y and proc.nme = x";
    for (condition, is_skipped) in [(unknown_first, true), (wrong_first, false)] {
        let text = rule("r", condition) + "  skip-if-unknown-filter: true\n";
        assert_eq!(codes(&[&text]) == [Code::UnknownFilter], is_skipped, "{condition}");
    }
}

#[test]
fn rules_of_other_sources_and_below_the_floor_are_left_out() {
    let other = rule("r", "ka.verb = get") + "  source: k8s_audit\n";
    assert_eq!(codes(&[&other]), [Code::UnknownSource]);
    let loader = Loader::new(&Schema::falco()).min_priority(Priority::Warning);
    let text = rule("r", "proc.name = x") + &rule("s", "proc.nme = x");
    let (rules, diagnostics) = loader.add_file("0.yaml", text).load();
    assert!(rules.rules().is_empty());
    assert_eq!(diagnostics.len(), 1, "it is checked all the same");
}

/// What Falco says of each file: the codes, without those behind the first error.
fn results(files: &[&str]) -> Vec<Vec<Code>> {
    let (_, diagnostics) = load(files);
    let codes = |found: &[Diagnostic]| found.iter().map(|d| d.code).collect();
    diagnostics.results().iter().map(|result| codes(&result.found)).collect()
}

#[test]
fn each_file_is_compiled_with_those_before_it() {
    let uses = rule("r", "m");
    let defines = "- macro: m\n  condition: proc.name = x\n";
    assert_eq!(results(&[&uses, defines]), [vec![Code::Validate], vec![]]);
    // Unused until the second file; only the last file knows.
    assert_eq!(results(&[defines, &uses]), [vec![Code::UnusedMacro], vec![]]);
    assert!(load(&[defines, &uses]).1.is_empty());
    // The problem of one file comes up with the next, but is told once.
    let wrong = rule("w", "proc.nme = x");
    assert_eq!(results(&[&wrong, defines]), [[Code::CompileCondition], [Code::CompileCondition]]);
    assert_eq!(codes(&[&wrong, defines]), [Code::CompileCondition, Code::UnusedMacro]);
    let mended = rule("w", "proc.name = x");
    assert_eq!(results(&[&wrong, &mended]), [vec![Code::CompileCondition], vec![]]);
}

#[test]
fn rules_that_later_files_leave_alone_stay_as_they_are() {
    let base = format!(
        "- list: inner\n  items: [a]\n- list: outer\n  items: [inner]\n- macro: m\n  condition: \
         proc.name in (outer)\n- macro: n\n  condition: m or proc.name = z\n{}",
        rule("r", "n")
    );
    let other = rule("s", "proc.name = x");
    // What they name is still used, and their problems are still theirs.
    assert_eq!(results(&[&base, &other, &other]), [[]; 3] as [[Code; 0]; 3]);
    let wrong = rule("w", "proc.nme = x");
    assert_eq!(results(&[&base, &wrong, &other])[2], [Code::CompileCondition]);
    // What they name may change under them, however far away.
    let list = "- list: inner\n  items: [b]\n  override: {items: append}\n";
    assert_eq!(condition(&[&base, &other, list]), "(a+b or z)");
    let deep = "- macro: m\n  condition: proc.name = y\n";
    assert_eq!(condition(&[&base, &other, deep, &other]), "(y or z)");
    let named = "- list: inner\n  items: [a]\n- list: two words\n  items: [inner]\n";
    let named = format!("{named}{}", rule("r", "proc.name in (two words)"));
    assert_eq!(condition(&[&named, &other, list]), "a+b");
    let off = "- rule: r\n  enabled: false\n";
    let (rules, _) = load(&[&base, &other, off, &other]);
    assert!(!rules.rules()[0].is_enabled());
}

#[test]
fn a_rule_weighs_what_it_says_or_what_its_priority_does() {
    let weight = |files: &[&str]| load(files).0.rules()[0].info().weight;
    let base = rule("r", "proc.name = x");
    assert_eq!(weight(&[&base]), Priority::Notice.weight());
    let heavy = format!("{base}  weight: 700\n");
    assert_eq!(weight(&[&heavy]), 700);
    let item = "- rule: r\n  weight: 5\n  condition: and proc.exe = y\n  \
                override: {condition: append}\n";
    assert_eq!(weight(&[&heavy, item]), 5);
    assert_eq!(results(&[&heavy, item]), [[]; 2] as [[Code; 0]; 2]);
}

#[test]
fn falco_stops_at_the_first_error_of_a_file() {
    let broken = format!("- list: l\n{}", rule("r", "proc.nme = x"));
    assert_eq!(results(&[&broken]), [[Code::YamlValidate]]);
    assert_eq!(codes(&[&broken]), [Code::YamlValidate, Code::CompileCondition]);
    // What stands behind the error is not there for the next file either.
    let next = rule("s", "proc.name = x");
    assert_eq!(results(&[&broken, &next]), [vec![Code::YamlValidate], vec![]]);
    // Of a file that is not YAML nothing is.
    let no_yaml = format!("{}- b: c: d\n", rule("r", "proc.nme = x"));
    assert_eq!(results(&[&no_yaml, &next]), [vec![Code::YamlParse], vec![]]);
    // A stray key is found once the rule is changed.
    let stray = "- rule: s\n  condition: or proc.name = y\n  tags: [a]\n  \
                 override: {condition: append}\n";
    assert_eq!(results(&[&next, stray]), [vec![], vec![Code::YamlValidate]]);
    assert_eq!(results(&[stray]), [[Code::Validate]]);
}

#[test]
fn an_item_that_changes_a_rule_keeps_its_source() {
    let base = rule("r", "proc.name = x");
    let append = |source: &str| {
        format!("- rule: r\n  condition: and proc.name = y\n  append: true\n  source: {source}\n")
    };
    let deprecated = Code::DeprecatedItem;
    assert_eq!(results(&[&base, &append("k8s_audit")])[1], [deprecated, Code::Validate]);
    for source in ["", "''", "syscall"] {
        assert_eq!(results(&[&base, &append(source)])[1], [deprecated], "{source:?}");
    }
    let replace = "- rule: r\n  condition: proc.name = y\n  source: k8s_audit\n  \
                   override: {condition: replace}\n";
    assert_eq!(results(&[&base, replace])[1], [Code::Validate]);
}

#[test]
fn nothing_at_all_is_appended_by_mistake() {
    let base = rule("r", "proc.name = x");
    let codes = &results(&[&base, "- rule: r\n  append: true\n  enabled: false\n"])[1];
    assert_eq!(*codes, [Code::DeprecatedItem, Code::Validate]);
}

#[test]
fn deprecated_fields_are_warned_of_wherever_they_stand() {
    let text = rule("r", "m").replace("output: o", "output: \"%evt.dir %container.info\"");
    let text = format!("- macro: m\n  condition: evt.dir = < and evt.latency.ns > 1\n{text}");
    let deprecated = [Code::DeprecatedItem; 4];
    assert_eq!(results(&[&text])[0], deprecated);
    let items: Vec<_> = load(&[&text]).1.iter().map(|d| d.item.to_string()).collect();
    assert_eq!(
        items,
        ["condition expression", "condition expression", "rule output", "rule \"r\""]
    );
}

#[test]
fn what_cannot_be_read_is_a_problem_of_that_file() {
    let rule = rule("r", "proc.name = x");
    let (rules, diagnostics) = Loader::new(&Schema::falco())
        .add_unreadable("gone.yaml", "no such file")
        .add_file("bytes.yaml", [b"- list: l\n", &b"\xff"[..]].concat())
        .add_file("good.yaml", rule)
        .load();
    assert_eq!(rules.rules().len(), 1);
    let codes: Vec<_> = diagnostics.iter().map(|d| d.code).collect();
    assert_eq!(codes, [Code::FileRead, Code::YamlParse]);
    let successful: Vec<_> = diagnostics.results().iter().map(|r| r.is_successful()).collect();
    assert_eq!(successful, [false, false, true]);
}

#[test]
fn selectors_are_applied_in_order_after_all_files() {
    let rules = rule("Read a", "proc.name = x") + &rule("Write a", "proc.name = x");
    let later = "- rule: Read a\n  enabled: false\n  override: {enabled: replace}\n";
    let load = |selectors: &[Selector]| {
        let loader = Loader::new(&Schema::falco()).add_file("0", &*rules).add_file("1", later);
        let (rules, diagnostics) = loader.select(selectors.iter().cloned()).load();
        let enabled: Vec<_> = rules.rules().iter().map(|rule| rule.is_enabled()).collect();
        (enabled, diagnostics)
    };
    assert_eq!(load(&[]).0, [false, true]);
    assert_eq!(load(&[Selector::enable_rule("Read*")]).0, [true, true]);
    let some = [Selector::disable_rule("*"), Selector::enable_rule("*a")];
    assert_eq!(load(&some).0, [true, true]);
    let (_, diagnostics) = load(&[Selector::disable_rule("Raed a")]);
    let [warning] = &diagnostics.iter().collect::<Vec<_>>()[..] else { panic!("one warning") };
    assert_eq!(warning.code, Code::SelectorUnused);
    assert_eq!(warning.help.as_deref(), Some("did you mean Read a?"));
}

#[test]
fn exceptions_are_part_of_the_condition() {
    let text = rule("r", "proc.name = a or proc.name = b")
        + "  exceptions:\n    - name: e\n      fields: [proc.name, fd.name]\n      values:\n        \
           - [a, x y]\n";
    let added = "- rule: r\n  exceptions: [{name: e, values: [[b, z]]}]\n  \
                 override: {exceptions: append}\n";
    assert_eq!(condition(&[&text]), "((a or b) and not (a and x y))");
    assert_eq!(condition(&[&text, added]), "((a or b) and not ((a and x y) or (b and z)))");
}

#[test]
fn comparing_with_the_name_of_a_field_is_warned_of() {
    assert_eq!(codes(&[&rule("r", "proc.name = proc.pname")]), [Code::ConditionAdvice]);
}

#[test]
fn bombs_do_not_go_off() {
    let mut macros = "- macro: m0\n  condition: proc.name = x\n".to_owned();
    let mut lists = "- list: l0\n  items: [x, x]\n".to_owned();
    for i in 1..60 {
        let inner = i - 1;
        writeln!(macros, "- macro: m{i}\n  condition: m{inner} or m{inner}").unwrap();
        writeln!(lists, "- list: l{i}\n  items: [{}]", format!("l{inner}, ").repeat(300)).unwrap();
    }
    macros += &rule("r", "m59");
    check_error(&[&macros], Code::CompileCondition, "more than");
    lists += &rule("r", &format!("proc.name in ({}x)", "l59, ".repeat(300)));
    let (_, diagnostics) = load(&[&lists]);
    assert!(diagnostics.len() < 200);
}

#[test]
fn long_chains_and_deep_conditions_cost_no_stack() {
    let mut chain = "- macro: m0\n  condition: proc.name = x\n".to_owned();
    for i in 1..5_000 {
        writeln!(chain, "- macro: m{i}\n  condition: m{}", i - 1).unwrap();
    }
    assert_eq!(condition(&[&format!("{chain}{}", rule("r", "m4999"))]), "x");
    let mut deep = "- macro: m0\n  condition: proc.name = x\n".to_owned();
    for i in 1..400 {
        writeln!(deep, "- macro: m{i}\n  condition: not (m{} and proc.name = y)", i - 1).unwrap();
    }
    assert!(!load(&[&format!("{deep}{}", rule("r", "m399"))]).1.has_errors());
    for i in 400..1_500 {
        writeln!(deep, "- macro: m{i}\n  condition: not (m{} and proc.name = y)", i - 1).unwrap();
    }
    check_error(&[&format!("{deep}{}", rule("r", "m1499"))], Code::CompileCondition, "too deep");
    let text = rule("r", &format!("{}proc.name = x{}", "(".repeat(100_000), ")".repeat(100_000)));
    check_error(&[&text], Code::CompileCondition, "1000 levels");
}

#[test]
fn fields_in_lists_of_a_transformer_are_described() {
    let condition = r#"evt.type = open and join("-", (proc.name, container.id)) = "a-b""#;
    let (rules, _) = load(&[&rule("r", condition)]);
    let described = rules.describe().rules.remove(0);
    let fields = ["container.id", "evt.type", "proc.name"];
    assert_eq!(described.details.condition_fields, fields);
    assert_eq!(described.plugins, ["container"]);
}
