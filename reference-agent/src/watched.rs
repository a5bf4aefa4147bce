//! Up to when this node was watched, kept on disk: so the next start can tell for how long nobody did.
//!
//! One small file, replaced each second. It is not forced to the disk, which would wear it out: after a
//! power cut it may be torn, which is told, or some seconds old, which makes the gap longer and hides none.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use k8srd_bpf::clock::boot_now;
use k8srd_core::blind::BlindInterval;
use k8srd_core::event::Timestamp;
use k8srd_core::loss::LossReason;
use serde::{Deserialize, Serialize};

/// Stream of what happened while the program did not run.
pub(crate) const STREAM: &str = "agent";

const FILE: &str = "watched.json";
/// What is written next, until it is whole.
const NEW_FILE: &str = ".watched.json.new";
const FORM: u32 = 1;
/// The file is smaller than this; what is larger is something else.
const MAX_FILE: u64 = 4096;
const KEEP_EVERY: Duration = Duration::from_secs(1);

/// A moment, on the clock that no one can set and on the wall's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Moment {
    form: u32,
    /// Which run of the kernel it was; empty if that is not known.
    boot_id: String,
    /// Nanoseconds since boot.
    boot_time: u64,
    /// Nanoseconds since 1970.
    time: u64,
}

impl Moment {
    pub(crate) fn now() -> Self {
        let boot_id = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            form: FORM,
            boot_id: boot_id.trim().to_owned(),
            boot_time: boot_now(),
            time: u64::try_from(since_1970.as_nanos()).unwrap_or(u64::MAX),
        }
    }

    /// An earlier moment, by the wall's clock.
    fn back_to(self, time: Timestamp) -> Self {
        let earlier = self.time.saturating_sub(time.as_nanos());
        Self {
            boot_time: self.boot_time.saturating_sub(earlier),
            time: self.time - earlier,
            ..self
        }
    }

    /// What nobody saw from this moment to `now`.
    fn gap_to(&self, now: &Self) -> BlindInterval {
        let is_same_boot = !now.boot_id.is_empty() && self.boot_id == now.boot_id;
        let (passed, note) = if is_same_boot {
            (now.boot_time.checked_sub(self.boot_time), None)
        } else {
            let note = "the machine was started anew meanwhile, so this is by the wall's clock";
            (now.time.checked_sub(self.time), Some(note))
        };
        let unknown = "by the clock it ends before it began, so how long it was is not known";
        BlindInterval {
            lost: None,
            first: Timestamp::from_nanos(now.time.saturating_sub(passed.unwrap_or_default())),
            last: Timestamp::from_nanos(now.time),
            // Processes are taken anew at the start.
            state: false,
            note: if passed.is_none() { Some(unknown) } else { note },
            ..BlindInterval::new(STREAM, LossReason::AgentDown)
        }
    }
}

/// Keeps up to when was watched.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Where; `None` if nothing is to be kept, or could not be.
    dir: Option<PathBuf>,
    kept: Option<Instant>,
}

impl Watched {
    /// Looks at what was kept in `dir` and says what nobody saw until `now`, unless this is the first
    /// start. What cannot be read or written is told once, and keeps nobody from watching.
    pub(crate) fn since(dir: &Path, now: &Moment) -> (Self, Option<BlindInterval>) {
        if dir.as_os_str().is_empty() {
            return (Self { dir: None, kept: None }, None);
        }
        let gap = match read(&dir.join(FILE)) {
            Ok(moment) => moment.map(|moment| moment.gap_to(now)),
            Err(error) => {
                let file = dir.join(FILE);
                eprintln!(
                    "k8srd: {} does not say up to when was watched: {error}; this counts as the first start",
                    file.display()
                );
                None
            }
        };
        (Self { dir: Some(dir.to_owned()), kept: None }, gap)
    }

    /// Keeps that all was watched up to `seen`, if the last time is a second ago.
    pub(crate) fn keep(&mut self, seen: Option<Timestamp>) {
        if self.kept.is_none_or(|kept| kept.elapsed() >= KEEP_EVERY) {
            self.keep_now(seen);
        }
    }

    /// Keeps it at once.
    pub(crate) fn keep_now(&mut self, seen: Option<Timestamp>) {
        let (Some(dir), Some(seen)) = (&self.dir, seen) else { return };
        self.kept = Some(Instant::now());
        if let Err(error) = write(dir, &Moment::now().back_to(seen)) {
            eprintln!(
                "k8srd: {} cannot be written: {error}; the next start will not know for how long nobody \
                 watched (state_dir names another directory, or none)",
                dir.join(FILE).display()
            );
            self.dir = None;
        }
    }
}

/// What was kept; `None` if nothing was.
fn read(file: &Path) -> io::Result<Option<Moment>> {
    let file = match OpenOptions::new().read(true).custom_flags(NONBLOCK).open(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    let mut text = String::new();
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    file.take(MAX_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!("it has more than {MAX_FILE} bytes")));
    }
    let moment: Moment = serde_json::from_str(&text)?;
    match moment.form {
        FORM => Ok(Some(moment)),
        form => Err(io::Error::other(format!("its form is {form}, and only {FORM} is known"))),
    }
}

/// A pipe in the place of the file must not keep anyone waiting.
const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// Replaces what was kept; whoever reads meanwhile gets the one or the other.
fn write(dir: &Path, moment: &Moment) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let new = dir.join(NEW_FILE);
    let mut file = create(&new)?;
    serde_json::to_writer(&mut file, moment)?;
    file.flush()?;
    fs::rename(new, dir.join(FILE))
}

/// A file of its own: not one that somebody put there, nor where a link of theirs leads.
fn create(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn moment(boot_id: &str, boot_seconds: u64, seconds: u64) -> Moment {
        let (boot_time, time) = (boot_seconds * SECOND, seconds * SECOND);
        Moment { form: FORM, boot_id: boot_id.to_owned(), boot_time, time }
    }

    /// Begin and end in seconds since 1970, and what else is said.
    fn gap(from: &Moment, to: &Moment) -> (u64, u64, Option<&'static str>) {
        let gap = from.gap_to(to);
        assert_eq!((gap.stream, gap.reason, gap.lost), (STREAM, LossReason::AgentDown, None));
        (gap.first.as_nanos() / SECOND, gap.last.as_nanos() / SECOND, gap.note)
    }

    #[test]
    fn within_one_boot_the_wall_clock_may_be_set() {
        let before = moment("a", 100, 5000);
        assert_eq!(gap(&before, &moment("a", 130, 5030)), (5000, 5030, None));
        assert_eq!(gap(&before, &moment("a", 130, 9030)), (9000, 9030, None), "set forward");
        assert_eq!(gap(&before, &moment("a", 130, 1030)), (1000, 1030, None), "set back");
    }

    #[test]
    fn across_boots_the_wall_clock_is_all_there_is_and_that_is_said() {
        let before = moment("a", 100, 5000);
        let (first, last, note) = gap(&before, &moment("b", 20, 5300));
        assert_eq!((first, last), (5000, 5300));
        assert!(note.unwrap().contains("started anew"), "{note:?}");
        let (first, last, note) = gap(&before, &moment("b", 20, 4000));
        assert_eq!((first, last), (4000, 4000), "it is told, without a length");
        assert!(note.unwrap().contains("not known"), "{note:?}");
        let (.., note) = gap(&moment("", 100, 5000), &moment("", 130, 5030));
        assert!(note.unwrap().contains("started anew"), "unknown boots are not the same");
    }

    #[test]
    fn a_time_that_lies_ahead_is_told() {
        let (first, last, note) = gap(&moment("a", 100, 5000), &moment("a", 90, 5010));
        assert_eq!((first, last), (5010, 5010));
        assert!(note.unwrap().contains("not known"), "{note:?}");
    }

    #[test]
    fn what_was_kept_is_found_and_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("state/k8srd");
        let start = Moment::now();
        let (mut watched, gap) = Watched::since(&dir, &start);
        assert_eq!(gap, None, "the first start");
        watched.keep(None);
        assert!(!dir.exists(), "nothing was watched yet");

        let seen = Timestamp::from_nanos(start.time);
        watched.keep(Some(seen));
        let file = dir.join(FILE);
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        let text = fs::read_to_string(&file).unwrap();
        watched.keep(Some(Timestamp::from_nanos(start.time + 1)));
        assert_eq!(fs::read_to_string(&file).unwrap(), text, "once a second is enough");
        watched.keep_now(Some(Timestamp::from_nanos(start.time + 1)));
        assert_ne!(fs::read_to_string(&file).unwrap(), text);
        assert_eq!(fs::read_dir(&dir).unwrap().count(), 1, "nothing else is left");

        let (_, gap) = Watched::since(&dir, &Moment::now());
        let gap = gap.unwrap();
        assert!(gap.first.as_nanos().abs_diff(start.time + 1) < SECOND, "{gap:?}");
        assert!(gap.last > gap.first, "{gap:?}");
    }

    #[test]
    fn what_is_torn_or_something_else_counts_as_nothing_and_is_replaced() {
        let whole = serde_json::to_string(&moment("a", 100, 5000)).unwrap();
        let other_form = whole.replace("\"form\":1", "\"form\":2");
        let more = whole.replace('{', "{\"more\":1,");
        let large = format!("{whole}{}", " ".repeat(5000));
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        let mut texts: Vec<&[u8]> = vec![b"", b"\xff\xfe", b"[]", b"null"];
        texts.extend([other_form.as_bytes(), more.as_bytes(), large.as_bytes()]);
        texts.extend((0..whole.len()).map(|end| whole.as_bytes().get(..end).unwrap()));
        for text in texts {
            fs::write(&file, text).unwrap();
            let error = read(&file).unwrap_err().to_string();
            assert!(!error.is_empty());
            let (mut watched, gap) = Watched::since(folder.path(), &Moment::now());
            assert_eq!(gap, None, "{}", text.escape_ascii());
            watched.keep_now(Some(Timestamp::from_nanos(7)));
            assert!(read(&file).unwrap().is_some());
        }
    }

    #[test]
    fn links_and_other_things_in_the_place_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let victim = folder.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let dir = folder.path().join("state");
        fs::create_dir(&dir).unwrap();
        symlink(&victim, dir.join(NEW_FILE)).unwrap();
        symlink(&victim, dir.join(FILE)).unwrap();
        let (mut watched, gap) = Watched::since(&dir, &Moment::now());
        assert_eq!(gap, None);
        watched.keep_now(Some(Timestamp::from_nanos(7)));
        assert_eq!(fs::read_to_string(&victim).unwrap(), "precious");
        assert!(read(&dir.join(FILE)).unwrap().is_some());

        fs::remove_file(dir.join(FILE)).unwrap();
        fs::create_dir(dir.join(FILE)).unwrap();
        assert_eq!(read(&dir.join(FILE)).unwrap_err().to_string(), "it is no file");
    }

    #[test]
    fn a_directory_that_cannot_be_written_is_tried_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        let (mut watched, _) = Watched::since(&file.join("state"), &Moment::now());
        watched.keep_now(Some(Timestamp::from_nanos(7)));
        assert_eq!(watched.dir, None, "it is not tried and told each second");
        watched.keep_now(Some(Timestamp::from_nanos(8)));
        assert_eq!(fs::read_to_string(&file).unwrap(), "x");
    }

    #[test]
    fn nothing_is_kept_where_nobody_wants_it() {
        let (mut watched, gap) = Watched::since(Path::new(""), &Moment::now());
        watched.keep_now(Some(Timestamp::from_nanos(7)));
        assert_eq!(gap, None);
        assert!(!Path::new(FILE).exists());
    }
}
