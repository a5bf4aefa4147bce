//! What runs on the stage: the hidden verb `play`.
//!
//! `play container CGROUP` enters the cgroup and new namespaces and starts `play init` there as
//! process 1, which runs one command after another. The rest imitates programs that the machine
//! lacks, under their names.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead as _, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::ffi::{OsStrExt as _, OsStringExt as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use rustix::fs::{Mode, OFlags};

use super::image;

/// Runs `play` with these arguments.
pub(crate) fn run(args: &[OsString]) -> Result<ExitCode> {
    let words: Vec<_> = args.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    match words[..] {
        ["container", _] => container(Path::new(&args[1]))?,
        ["init"] => init()?,
        ["sh", ..] => {}
        ["cat", file] => print(file)?,
        ["chmod", "+x", file] => fs::set_permissions(file, fs::Permissions::from_mode(0o755))?,
        ["id", ..] => drop(fs::read("/etc/passwd")?),
        ["curl", .., "-o", to, url] | ["wget", .., "-O", to, url] => download(url, Path::new(to))?,
        _ => bail!("play is what the demo runs inside its container; run k8srd demo instead"),
    }
    Ok(ExitCode::SUCCESS)
}

/// Moves this process to the cgroup, to namespaces and a file tree of its own, and waits for
/// their process 1.
fn container(cgroup: &Path) -> Result<()> {
    // It shall not outlive the demo, however that ends.
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // A service has no terminal; and Ctrl-C is for the demo, which then takes the container down.
    rustix::process::setsid().context("cannot begin a session")?;
    let entered = || -> Result<()> {
        let procs = cgroup.join("cgroup.procs");
        fs::write(&procs, "0").with_context(|| format!("cannot write {}", procs.display()))?;
        unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWPID)
            .context("cannot make mount and pid namespaces (needs CAP_SYS_ADMIN)")?;
        image::enter()
    };
    if let Err(error) = entered() {
        println!("{error:#}");
        return Err(error);
    }
    let status = Command::new(image::WEB_SERVER).args(["play", "init"]).status()?;
    if !status.success() {
        bail!("process 1 of the container ended with {status}");
    }
    Ok(())
}

/// Process 1 of the container: runs a command a line and answers a line each.
fn init() -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    let none = None::<&str>;
    mount(Some("proc"), "/proc", Some("proc"), MsFlags::empty(), none)
        .context("cannot mount /proc")?;
    let mut answers = io::stdout();
    writeln!(answers, "ready")?;
    for line in io::stdin().lock().lines() {
        let words: Option<Vec<_>> = line?.split(' ').map(decode).collect();
        let answer = match words.as_deref() {
            Some([program, args @ ..]) => perform(program, args),
            _ => "not a command".into(),
        };
        writeln!(answers, "{answer}")?;
    }
    Ok(())
}

/// Runs a command quietly; says how it ended. It sees no environment of the demo's caller: a proxy
/// in there would lead curl away from loopback.
fn perform(program: &OsStr, args: &[OsString]) -> String {
    let status = Command::new(program)
        .args(args)
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    match status {
        Ok(status) => status.to_string(),
        Err(error) => format!("cannot run {}: {error}", program.display()),
    }
}

/// Opens the file as cat does: without `O_CLOEXEC`, which the standard library would set.
fn print(file: &str) -> Result<()> {
    let mut file = File::from(rustix::fs::open(file, OFlags::RDONLY, Mode::empty())?);
    io::copy(&mut file, &mut io::stdout().lock())?;
    Ok(())
}

fn download(url: &str, to: &Path) -> Result<()> {
    let rest = url.strip_prefix("http://").context("only http:// is known here")?;
    let (host, path) = rest.split_once('/').context("the URL has no path")?;
    let mut server = TcpStream::connect(host)?;
    write!(server, "GET /{path} HTTP/1.0\r\nHost: {host}\r\n\r\n")?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").context("no HTTP answer")?;
    fs::write(to, &answer[end + 4..])?;
    Ok(())
}

/// A word as hexadecimal digits, so that any argument fits in a line.
pub(super) fn encode(word: &OsStr) -> String {
    word.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn decode(text: &str) -> Option<OsString> {
    let digits = text.as_bytes();
    let byte = |pair: &[u8]| {
        let [high, low] = pair else { return None };
        let digit = |c: &u8| char::from(*c).to_digit(16);
        u8::try_from(digit(high)? << 4 | digit(low)?).ok()
    };
    Some(OsString::from_vec(digits.chunks(2).map(byte).collect::<Option<_>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_word_survives_a_line() {
        let word = OsString::from_vec(vec![0xff, b' ', b'\n', b'a', 0]);
        assert_eq!(decode(&encode(&word)), Some(word));
        assert_eq!(decode("6"), None);
        assert_eq!(decode("6g"), None);
    }

    #[test]
    fn unknown_acts_are_refused() {
        let error = run(&["dance".into()]).unwrap_err();
        assert!(error.to_string().contains("k8srd demo"));
    }
}
