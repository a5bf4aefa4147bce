//! The corpus of captures: stories told in words, of which recordings are made.
//!
//! ```toml
//! machine = { hostname = "node1", cpus = 4, memory = 8589934592, booted = 1699996400000000000 }
//! start = 1700000000000000000
//! user = [{ uid = 0, gid = 0, name = "root", home = "/root", shell = "/bin/bash" }]
//! group = [{ gid = 0, name = "root" }]
//! interface = [{ name = "eth0", address = "10.0.0.5", mask = "255.255.255.0", broadcast = "10.0.0.255" }]
//! process = [
//!     { pid = 812, comm = "nginx", uid = 33, fds = [{ fd = 6, tcp_server = "0.0.0.0:80" }] },
//! ]
//! event = [
//!     { by = 812, kind = "fork", res = 900 },
//!     { by = 900, kind = "execve", filename = "/bin/sh", args = ["-c", "id"] },
//!     { by = 900, kind = "openat", fd = -13, dirfd = -100, name = "/etc/shadow", flags = "O_RDONLY" },
//! ]
//! ```
//!
//! Everything but the events is optional. A process has a `pid` and a `comm`, and by name whatever
//! [`TestProcess::with`] takes. A descriptor of its has the number `fd`, perhaps an inode number
//! `ino`, and one of `file`, `directory`, `pipe`, `tcp`, `udp` (both ends), `tcp_server`,
//! `udp_server` (one) and `unix` (a path).
//!
//! An event has a `kind`, and is done `by` a thread. `on` is the processor, `at` the time in
//! nanoseconds, `entry = true` makes it the entry of the call. All else are params of the kind.

use std::net::SocketAddr;
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::event::{Said, value};
use super::{CorpusError, Text};
use crate::capture::{CaptureBuilder, TestDescriptor, TestProcess};
use crate::event::TestEvent;
use crate::value::{Datum, TestValue, ends};

/// Reads a story from a file.
///
/// # Errors
///
/// Where the file cannot be read, or is no story.
pub fn read(path: impl AsRef<Path>) -> Result<CaptureBuilder, CorpusError> {
    let path = path.as_ref();
    parse(&path.display().to_string(), &super::read(path)?)
}

/// Reads a story from its text; `name` is that of the file.
///
/// # Errors
///
/// Where the text is no story.
pub fn parse(name: &str, text: &str) -> Result<CaptureBuilder, CorpusError> {
    let text = Text { name, text };
    let tables = text.tables()?;
    let mut capture = CaptureBuilder::new();
    // Events come last, wherever they stand: what was there has to be known.
    let (events, rest): (Vec<_>, Vec<_>) =
        tables.iter().partition(|(key, _)| key.get_ref() == "event");
    for (key, written) in rest.into_iter().chain(events) {
        let name = &**key.get_ref();
        let add: fn(CaptureBuilder, &Row<'_, '_>) -> Result<CaptureBuilder, CorpusError> =
            match name {
                "start" => {
                    capture = capture.at(number(&text, written)?);
                    continue;
                }
                "machine" => {
                    capture = machine(capture, &Row::of(&text, written)?)?;
                    continue;
                }
                "user" => user,
                "group" => |capture, row| Ok(capture.group(row.number("gid")?, row.str("name")?)),
                "interface" => interface,
                "process" => process,
                "event" => event,
                _ => {
                    let known = "machine, start, user, group, interface, process or event";
                    return Err(text.wrong(key.span(), format!("expected {known}")));
                }
            };
        for row in text.array(written)? {
            capture = add(capture, &Row::of(&text, row)?)?;
        }
    }
    Ok(capture)
}

fn machine(capture: CaptureBuilder, row: &Row<'_, '_>) -> Result<CaptureBuilder, CorpusError> {
    let (cpus, memory) = (row.number("cpus")?, row.number("memory")?);
    Ok(capture.machine(row.str("hostname")?, cpus, memory, row.number("booted")?))
}

fn user(capture: CaptureBuilder, row: &Row<'_, '_>) -> Result<CaptureBuilder, CorpusError> {
    let (uid, gid) = (row.number("uid")?, row.number("gid")?);
    Ok(capture.user(uid, gid, row.str("name")?, row.str("home")?, row.str("shell")?))
}

fn interface(capture: CaptureBuilder, row: &Row<'_, '_>) -> Result<CaptureBuilder, CorpusError> {
    let (mask, broadcast) = (row.parsed("mask")?, row.parsed("broadcast")?);
    Ok(capture.interface(row.str("name")?, row.parsed("address")?, mask, broadcast))
}

fn process(mut capture: CaptureBuilder, row: &Row<'_, '_>) -> Result<CaptureBuilder, CorpusError> {
    let mut process = TestProcess::new(row.number("pid")?, row.str("comm")?);
    for (name, place, written) in row.but(&["pid", "comm", "fds"]) {
        let with = process.try_with(name, known(row.text, written)?);
        process = with.map_err(|error| row.text.wrong_capture(place, error))?;
    }
    let tid = process.tid();
    capture = capture.process(process);
    let descriptors = row.table.get("fds").map_or(Ok(&[][..]), |fds| row.text.array(fds))?;
    for written in descriptors {
        let row = Row::of(row.text, written)?;
        capture = capture.descriptor(tid, row.number("fd")?, descriptor(&row)?);
    }
    Ok(capture)
}

fn descriptor(row: &Row<'_, '_>) -> Result<TestDescriptor, CorpusError> {
    let wrong = |message: &str| row.text.wrong(row.span.clone(), message);
    let what =
        || wrong("expected one of file, directory, pipe, tcp, udp, tcp_server, udp_server, unix");
    let mut names = row.but(&["fd", "ino"]);
    let (Some((name, ..)), None) = (names.next(), names.next()) else { return Err(what()) };
    let both = || match ends(row.str(name)?.into()) {
        Some(Datum::Tuple(client, server)) => Ok((client, server)),
        _ => Err(wrong("expected both ends, as in 10.0.0.5:40000->10.0.0.1:443")),
    };
    let one = || row.parsed::<SocketAddr>(name);
    let of = match name {
        "file" => TestDescriptor::file(row.str(name)?),
        "directory" => TestDescriptor::directory(row.str(name)?),
        "pipe" => TestDescriptor::pipe(),
        "tcp" => both().map(|(client, server)| TestDescriptor::tcp(client, server))?,
        "udp" => both().map(|(client, server)| TestDescriptor::udp(client, server))?,
        "tcp_server" => TestDescriptor::tcp_server(one()?),
        "udp_server" => TestDescriptor::udp_server(one()?),
        "unix" => TestDescriptor::unix(0, 0, row.str(name)?),
        _ => return Err(what()),
    };
    match row.table.get("ino") {
        Some(ino) => Ok(of.ino(number(row.text, ino)?)),
        None => Ok(of),
    }
}

fn event(capture: CaptureBuilder, row: &Row<'_, '_>) -> Result<CaptureBuilder, CorpusError> {
    let text = row.text;
    let wrong = |error| text.wrong_event(row.span.clone(), error);
    let kind = row.str("kind")?;
    let mut event = match row.table.get("entry").map(Spanned::get_ref) {
        Some(DeValue::Boolean(true)) => TestEvent::try_entry(kind).map_err(wrong)?,
        None => TestEvent::try_falco(kind).map_err(wrong)?,
        Some(_) => return Err(text.wrong(row.span.clone(), "entry is true, or not there")),
    };
    if let Some(at) = row.table.get("at") {
        event = event.at(number(text, at)?);
    }
    if let Some(on) = row.table.get("on") {
        event = event.try_field("ctx.cpu", number::<u16>(text, on)?).map_err(wrong)?;
    }
    for (name, place, written) in row.but(&["by", "kind", "entry", "at", "on"]) {
        let with = event.try_param(name, known(text, written)?);
        event = with.map_err(|error| text.wrong_event(place, error))?;
    }
    let added = capture.try_event(row.number("by")?, event);
    added.map_err(|error| text.wrong_capture(row.span.clone(), error))
}

/// A table of names and values.
struct Row<'a, 't> {
    text: &'a Text<'t>,
    table: &'a DeTable<'t>,
    span: Range<usize>,
}

impl<'a, 't> Row<'a, 't> {
    fn of(text: &'a Text<'t>, written: &'a Spanned<DeValue<'t>>) -> Result<Self, CorpusError> {
        Ok(Self { text, table: text.table(written)?, span: written.span() })
    }

    fn get(&self, name: &str) -> Result<&'a Spanned<DeValue<'t>>, CorpusError> {
        let missing = || self.text.wrong(self.span.clone(), format!("no {name}"));
        self.table.get(name).ok_or_else(missing)
    }

    fn str(&self, name: &str) -> Result<&'a str, CorpusError> {
        self.text.str(self.get(name)?)
    }

    fn number<N: TryFrom<i128>>(&self, name: &str) -> Result<N, CorpusError> {
        number(self.text, self.get(name)?)
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Result<T, CorpusError> {
        let written = self.get(name)?;
        let wrong = || self.text.wrong(written.span(), format!("this is no {name}"));
        self.text.str(written)?.parse().map_err(|_| wrong())
    }

    /// All but what has a meaning of its own: name, place and value.
    fn but(
        &self,
        own: &'a [&str],
    ) -> impl Iterator<Item = (&'a str, Range<usize>, &'a Spanned<DeValue<'t>>)> {
        let all = self.table.iter().map(|(key, value)| (&**key.get_ref(), key.span(), value));
        all.filter(|(name, ..)| !own.contains(name))
    }
}

fn number<N: TryFrom<i128>>(
    text: &Text<'_>,
    written: &Spanned<DeValue<'_>>,
) -> Result<N, CorpusError> {
    match known(text, written)? {
        TestValue::Int(n) => N::try_from(n).ok(),
        _ => None,
    }
    .ok_or_else(|| text.wrong(written.span(), "expected a number that fits"))
}

fn known(text: &Text<'_>, written: &Spanned<DeValue<'_>>) -> Result<TestValue, CorpusError> {
    match value(text, written)? {
        Said::Value(value) => Ok(value),
        Said::Pending => {
            Err(text.wrong(written.span(), "a capture is complete: nothing is pending"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_story_is_refused_with_its_line() {
        let error = |text: &str| {
            use std::error::Error;
            let error = parse("c.toml", text).unwrap_err();
            let cause = error.source().map_or(String::new(), |cause| format!(": {cause}"));
            format!("{error}{cause}")
        };
        for (text, says) in [
            ("events = []", "c.toml:1: expected machine, start, user"),
            ("event = [\n{ kind = 'openat' }]", "c.toml:2: no by"),
            ("event = [{ by = 1, kind = 'opent' }]", "no kind is named \"opent\""),
            ("event = [{ by = 1, kind = 'close', entry = true }]", "the entry of \"close\""),
            ("event = [{ by = 1, kind = 'close', num = 3 }]", "no param \"num\""),
            ("event = [{ by = 1, kind = 'close', on = -1 }]", "expected a number that fits"),
            ("event = [{ by = 1, kind = 'close', fd = { pending = true } }]", "nothing is pending"),
            ("event = [{ by = 1, kind = 'openat', flags = 'O_RDNOLY' }]", "O_RDONLY"),
            ("process = [{ pid = 1 }]", "c.toml:1: no comm"),
            ("process = [{ pid = 1, comm = 'a', exepath = '/a' }]", "no \"exepath\""),
            ("process = [{ pid = 1, comm = 'a', fds = [{ fd = 1 }] }]", "expected one of file"),
            ("process = [{ pid = 1, comm = 'a', fds = [{ fd = 1, tcp = '/x' }] }]", "both ends"),
            ("interface = [{ name = 'a', mask = '255' }]", "this is no mask"),
        ] {
            let found = error(text);
            assert!(found.contains(says), "{text}: {found}");
        }
    }
}
