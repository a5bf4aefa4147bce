//! Conditions that Falco was given, as recorded in the folder that `K8SRD_CONFORMANCE` names:
//! `conditions/<capture>.json`. What Falco compiled compiles, and what it refused is refused.
//!
//! What the conditions say of the captures' events needs the captures.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the test run says how many cases there were")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use k8srd_core::rules::parse_condition;
use k8srd_core::schema::Schema;
use serde_json::Value;

#[test]
fn what_falco_compiles_compiles_and_what_it_refuses_is_refused() {
    let Some(folder) = env::var_os("K8SRD_CONFORMANCE") else {
        println!("skipped: K8SRD_CONFORMANCE names no folder with recorded answers of Falco");
        return;
    };
    let folder = PathBuf::from(folder).join("conditions");
    let (cases, refused) =
        read(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    assert!(!cases.is_empty(), "{} holds no case", folder.display());
    let schema = Schema::falco();
    let mut differing = Vec::new();
    for condition in &cases {
        let (compiled, diagnostics) = parse_condition(&schema, condition);
        if compiled.is_none() {
            differing.push(format!("{condition}\n  is refused: {}", diagnostics.render()));
        }
    }
    for condition in &refused {
        if parse_condition(&schema, condition).0.is_some() {
            differing.push(format!("{condition}\n  is accepted"));
        }
    }
    let (compiling, refused) = (cases.len(), refused.len());
    println!(
        "{compiling} conditions compile and {refused} are refused, {} differ",
        differing.len()
    );
    assert!(differing.is_empty(), "{} differ:\n{}", differing.len(), differing.join("\n"));
}

/// The conditions that Falco compiled, and those that it refused.
fn read(folder: &Path) -> Result<(Vec<String>, Vec<String>), Box<dyn Error>> {
    let (mut cases, mut refused) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let recorded: Value = serde_json::from_slice(&fs::read(&path)?)?;
        for (list, into) in [("cases", &mut cases), ("refused", &mut refused)] {
            for case in recorded[list].as_array().into_iter().flatten() {
                let condition = case["condition"].as_str();
                let condition =
                    condition.ok_or_else(|| format!("{}: no condition", path.display()))?;
                into.push(condition.to_owned());
            }
        }
    }
    Ok((cases, refused))
}
