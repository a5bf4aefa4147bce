//! The field catalogue against the parts that answer it, against what is committed about it, and
//! as `k8srd fields` shows it.
#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::{env, fs};

use k8srd_core::catalogue::FIELDS;
use k8srd_core::enricher::Enricher as _;
use k8srd_core::field::Part;
use k8srd_core::schema::Schema;
use k8srd_enrich::container::Containers;
use k8srd_enrich::process::Processes;
use k8srd_enrich::syscall::SyscallFields;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn fields(args: &[&str]) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_k8srd"));
    program.arg("fields").args(args).output().expect("the program starts")
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// The source's own are compared in its crate, the pipeline's in core.
#[test]
fn a_row_names_the_part_that_provides_its_field() {
    let processes = Processes::builder().build();
    let containers = Containers::default();
    let calls = SyscallFields::builder().descriptors().build();
    let parts = [
        (Part::Processes, processes.provides()),
        (Part::Containers, containers.provides()),
        (Part::SyscallFields, calls.provides()),
    ];
    for info in FIELDS.iter() {
        for (part, provided) in parts {
            let provides = provided.contains(info.id);
            assert_eq!(info.answered_by == part, provides, "{} and {part:?}", info.name);
        }
    }
}

/// The list of debts only gets shorter: a new line in it has to be argued for in review.
#[test]
fn what_nobody_answers_is_committed_with_its_reason() {
    let path = root().join("testdata/unanswered_fields.txt");
    let committed = fs::read_to_string(&path).expect("the list of unanswered fields");
    let mut listed = BTreeMap::new();
    for line in committed.lines().filter(|line| !line.starts_with('#')) {
        let (name, reason) = line.split_once(": ").unwrap_or_else(|| panic!("no reason: {line}"));
        assert!(listed.insert(name, reason).is_none(), "{name} stands twice in {}", path.display());
    }
    let mut problems = String::new();
    for info in FIELDS.iter() {
        let problem = match (info.answered_by, listed.remove(&*info.name)) {
            (Part::Nobody(reason), Some(told)) if told != reason => {
                format!("{}: the reason is now: {reason}\n", info.name)
            }
            (Part::Nobody(reason), None) => {
                format!("{}: {reason}: answered before, or never listed\n", info.name)
            }
            (Part::Nobody(_), Some(_)) | (_, None) => continue,
            (part, Some(_)) => format!("{}: {part:?} answers it: delete this line\n", info.name),
        };
        problems.push_str(&problem);
    }
    for name in listed.keys() {
        problems.push_str(&format!("{name}: no such field: delete this line\n"));
    }
    assert!(problems.is_empty(), "testdata/unanswered_fields.txt:\n{problems}");
}

#[test]
fn the_page_of_fields_is_what_the_program_prints() {
    let path = root().join("docs/reference/fields.md");
    let page = stdout(&fields(&["--format", "markdown"]));
    if env::var_os("K8SRD_BLESS").is_some_and(|value| value == "1") {
        fs::write(&path, &page).expect("the page is written");
    }
    let committed = fs::read_to_string(&path).unwrap_or_default();
    let differs = committed.lines().zip(page.lines()).find(|(old, new)| old != new);
    assert!(
        committed == page,
        "docs/reference/fields.md is not what the code gives, first here: {differs:#?}\n\
         K8SRD_BLESS=1 cargo test -p k8srd --test fields writes it anew"
    );
}

#[test]
fn text_tells_type_argument_and_who_answers() {
    let text = stdout(&fields(&[]));
    for part in [
        "fd: the descriptor that the event is about\n",
        "  proc.aname  text of any ancestor, may have [number], not comparable with fields, not \
         transformable\n      proc.name of an ancestor",
        "  evt.arg  text, needs .param or [number], tells either name of a file\n",
        "  fd.dev  signed integer, printed as hexadecimal\n",
        "      answered by: processes\n",
        "  fd.cip.name  text, not comparable with fields, not transformable\n      host name of the \
         client's address\n      not answered yet: needs names of addresses",
    ] {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let last = text.lines().last().unwrap_or_default();
    assert!(last.starts_with(&format!("{} fields, ", FIELDS.len())), "{last}");
}

#[test]
fn json_has_every_field() {
    let json = stdout(&fields(&["--format", "json", "--source", "syscall"]));
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    let rows = json["fields"].as_array().expect("an array");
    assert_eq!(rows.len(), Schema::falco().fields().len());
    let row = |name: &str| rows.iter().find(|row| row["name"] == name).expect("a row");
    let label = row("container.label");
    assert_eq!(label["argument"]["required"], true);
    assert_eq!(label["argument"]["example"], "container.label[app]");
    assert_eq!(label["answered_by"], "containers");
    assert_eq!(row("container.healthcheck")["answered_by"], serde_json::Value::Null);
    let name = row("proc.pname");
    assert_eq!(name["holds_for"], "lineage");
    assert_eq!(name["ended_by"][0], "procexit");
    assert_eq!(name["answered_by"], "processes");
}

#[test]
fn a_source_that_is_not_there_is_a_wrong_call() {
    let output = fields(&["--source", "k8s_audit"]);
    assert_eq!(output.status.code(), Some(2));
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(message, "k8srd: no source is named k8s_audit; there is: syscall\n");
}
