//! Running cargo, and saying that something cannot be checked here.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};

/// Where nothing may be skipped, CI for instance, this is set.
const REQUIRE: &str = "K8SRD_REQUIRE_LIVE";

/// The cargo that runs us.
pub(crate) fn program() -> OsString {
    env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

/// The folder that holds the workspace in which we were called.
pub(crate) fn workspace_root() -> anyhow::Result<PathBuf> {
    let args = ["locate-project", "--workspace", "--message-format=plain"];
    let manifest = output(Command::new(program()).args(args))?;
    let folder = Path::new(manifest.trim()).parent();
    folder.map(PathBuf::from).context("the workspace's manifest lies in no folder")
}

/// Runs cargo in `root`; what it says goes where ours goes, but not what `metadata` gives.
pub(crate) fn run(root: &Path, args: &[&str], env: &[(&str, &str)]) -> anyhow::Result<()> {
    let program = program();
    let mut command = Command::new(&program);
    command.args(args).envs(env.iter().copied()).current_dir(root);
    if args.first() == Some(&"metadata") {
        command.stdout(Stdio::null());
    }
    let status = command.status().with_context(|| format!("cannot run {}", program.display()))?;
    ensure!(status.success(), "cargo {} said no ({status})", args.join(" "));
    Ok(())
}

/// What a command prints, or how it failed.
pub(crate) fn output(command: &mut Command) -> anyhow::Result<String> {
    let output = command.output().with_context(|| format!("cannot run {command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{command:?} failed: {}", said.trim());
    String::from_utf8(output.stdout).with_context(|| format!("{command:?} printed no text"))
}

/// Something cannot be checked on this machine: said, or a failure where nothing may be skipped.
pub(crate) fn skip(reason: &str) -> anyhow::Result<()> {
    if env::var_os(REQUIRE).is_some() {
        bail!("cannot be checked here ({REQUIRE} is set): {reason}");
    }
    eprintln!("    skipped: {reason}");
    Ok(())
}
