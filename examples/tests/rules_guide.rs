//! The rules in docs/rules.md load, one example after the other, as their reader would have them.
#![forbid(unsafe_code)]

use k8srd_core::rules::Loader;
use k8srd_core::schema::Schema;

#[test]
fn the_rules_of_the_guide_load() {
    let guide = include_str!("../../docs/rules.md");
    let mut loader = Loader::new(&Schema::falco());
    let mut examples = 0;
    for block in guide.split("```yaml\n").skip(1) {
        let example = block.split("```").next().expect("a block has an end");
        examples += 1;
        loader = loader.add_file(format!("example {examples}"), example);
    }
    assert!(examples >= 6, "{examples} examples");
    let (rules, diagnostics) = loader.load();
    assert!(diagnostics.is_empty(), "{}", diagnostics.render());
    let names: Vec<_> = rules.rules().iter().map(|rule| &*rule.info().name).collect();
    assert_eq!(
        names,
        ["Password hashes are read", "Shell in a container", "Outbound connection from a database",]
    );
    assert!(!rules.rules()[0].is_enabled(), "a later example switches it off");
    assert_eq!(rules.rules()[1].info().tags, ["T1059", "container", "pager"]);
}
