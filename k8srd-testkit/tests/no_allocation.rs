//! A quiet event costs no allocation: from the source through the pipeline to the last rule.
//!
//! Each thread is counted for itself, so tests that run at the same time do not disturb.
#![forbid(unsafe_code)]

use std::time::Duration;

use allocation_counter::measure;
use k8srd_core::pipeline::Pipeline;
use k8srd_core::rules::{Loader, Plan, PlanOptions, RuleMatcher, RuleMatching};
use k8srd_core::schema::Schema;
use k8srd_testkit::event::TestEvent;
use k8srd_testkit::source::ScriptedSource;

/// Rules that read much and match nothing that the test sends: every operator, both names of a
/// file, several values, and text that has to be computed.
const RULES: &str = r#"
- list: shells
  items: [sh, bash, dash, zsh, ksh, ash, csh, tcsh, fish, busybox, rbash]
- macro: opened
  condition: evt.type in (open, openat, openat2) and fd.num >= 0
- rule: Sensitive file
  desc: d
  condition: opened and fd.name in (/etc/shadow, /etc/sudoers) and not proc.name in (shells)
  output: "%fd.name %proc.name %evt.time"
  priority: warning
- rule: Below a folder
  desc: d
  condition: opened and (fd.name startswith /root/.ssh or fd.name endswith .pem or fd.name contains secret)
  output: "%fd.name"
  priority: warning
- rule: Patterns
  desc: d
  condition: >
    opened and (fd.name glob "/proc/[0-9]*/mem" or fd.name pmatch (/boot, "/home/*/.aws")
    or fd.name icontains PASSWORD or fd.name iglob "*.KEY")
  output: "%fd.name"
  priority: warning
- rule: Ancestors
  desc: d
  condition: opened and proc.aname in (sshd, telnetd) and proc.aname[2] != systemd
  output: "%proc.aname[2]"
  priority: warning
- rule: Numbers, truths and times
  desc: d
  condition: opened and (user.uid != 1000 or evt.is_open_write = true or evt.time contains "25:")
  output: "%user.uid"
  priority: warning
- rule: Expressions
  desc: d
  condition: >
    opened and (fd.name regex "/run/[a-z]+/.*[.]sock" or fd.name regex "(.*(a|b).{12}){3}")
  output: "%fd.name"
  priority: warning
- rule: Modifiers
  desc: d
  condition: opened and (fd.name contains allof (secret, key) or fd.name startswith oneof (/x, /y))
  output: "%fd.name"
  priority: warning
- rule: Transformed
  desc: d
  condition: >
    opened and (tolower(proc.name) = toupper(proc.name) or b64(fd.name) = secret
    or basename(fd.name) = val(proc.name) or len(fd.name) > 4000
    or concat(proc.name, "/", basename(fd.name)) = join("/", (proc.name, fd.num, user.uid, "x"))
    or getopt((proc.name, "-ab", fd.name), "ab:")[b] = x or fd.name glob val(proc.name))
  output: "%fd.name"
  priority: warning
- rule: Other kind
  desc: d
  condition: evt.type = connect and fd.net in (10.0.0.0/8) and fd.port = 22
  output: "%fd.sip"
  priority: warning
"#;

const WARM_UP: usize = 3;
const MEASURED: usize = 100;
const WAIT: Duration = Duration::from_nanos(1);

#[test]
fn a_quiet_event_does_not_allocate() {
    let (rules, diagnostics) = Loader::new(&Schema::falco()).add_file("quiet.yaml", RULES).load();
    assert!(diagnostics.is_empty(), "{}", diagnostics.render());
    let options = PlanOptions::default().rule_matching(RuleMatching::All);
    let events = quiet_events();
    // A silence ends a step, so that each step judges the same events.
    let source = (0..WARM_UP + MEASURED).fold(ScriptedSource::new(), |source, _| {
        source.events(events.iter().cloned()).silence(WAIT)
    });
    let matcher = RuleMatcher::new(Plan::compile(rules, options));
    let mut pipeline =
        Pipeline::builder(source).matcher(matcher).strict().build().expect("every field is there");

    let mut alerts = Vec::new();
    let mut steps = |n: usize| {
        for _ in 0..n {
            pipeline.step(WAIT, &mut alerts).expect("the source goes on");
        }
        pipeline.counts().events
    };
    // The first events may grow the arena and the scratch.
    let warm = steps(WARM_UP);
    let mut judged = 0;
    let allocations = measure(|| judged = steps(MEASURED) - warm).count_total;
    assert_eq!(judged, (MEASURED * events.len()) as u64, "every event was judged");
    assert_eq!(allocations, 0, "allocations for {judged} quiet events");
    assert_eq!(alerts, [], "the events are quiet");
}

#[test]
fn the_allocator_counts() {
    assert_eq!(measure(|| drop(std::hint::black_box(Box::new(7)))).count_total, 1);
    let counted = measure(|| {
        drop(std::hint::black_box(vec![0_u8; 1000]));
        drop(std::hint::black_box(vec![0_u8; 300]));
    });
    assert_eq!(counted.bytes_max, 1000, "the most at one time");
}

fn quiet_events() -> Vec<TestEvent> {
    let quiet = |kind: &str, name: &str| {
        TestEvent::falco(kind)
            .at(1_700_000_000_000_000_000)
            .field("fd.num", 3)
            .field("fd.name", name)
            .field("ctx.path.real", "/usr/share/doc/x")
            .field("fd.realpath", "/usr/share/doc/x")
            .field("proc.name", "cat")
            .field("proc.aname", ["bash", "login", "systemd"])
            .field("proc.aname[2]", "login")
            .field("user.uid", 1000)
            .field("evt.is_open_write", false)
    };
    let connect = TestEvent::connect()
        .field("fd.net", ["192.168.0.1", "192.168.0.2"])
        .field("fd.port", [50_000, 22])
        .field("fd.sip", "192.168.0.2");
    vec![
        quiet("open", "/usr/share/doc/x"),
        // Under two names: both are judged.
        quiet("openat", "/tmp/link"),
        quiet("openat2", "/usr/lib/locale/locale-archive"),
        // A failed call, and an event without any value.
        quiet("open", "/etc/shadow").field("fd.num", -13),
        TestEvent::open(),
        connect,
    ]
}
