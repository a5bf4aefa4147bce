//! Rows of the process list.

use super::{RowError, sized};
use crate::bytes::{Bytes, TooShort};
use crate::format::WITHOUT_NAMESPACE;

/// A thread that was there when the recording began. A number that the capture's version does not
/// tell is `None`, a text is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "fields with the names that Falco gives them")]
pub struct ProcessRow<'a> {
    pub tid: i64,
    pub pid: i64,
    /// The parent's thread id.
    pub ptid: i64,
    pub sid: Option<i64>,
    pub vpgid: Option<i64>,
    pub pgid: Option<i64>,
    pub comm: &'a [u8],
    /// `argv[0]`.
    pub exe: &'a [u8],
    pub exepath: &'a [u8],
    /// The other arguments, each ended by a NUL byte.
    pub args: &'a [u8],
    pub cwd: &'a [u8],
    pub fdlimit: u64,
    /// Falco's `PPM_CL_*` flags.
    pub flags: u32,
    pub uid: u32,
    pub gid: u32,
    pub vmsize_kb: Option<u32>,
    pub vmrss_kb: Option<u32>,
    pub vmswap_kb: Option<u32>,
    pub pfmajor: Option<u64>,
    pub pfminor: Option<u64>,
    /// Each ended by a NUL byte.
    pub env: &'a [u8],
    pub vtid: Option<i64>,
    pub vpid: Option<i64>,
    /// `subsystem=path`, each ended by a NUL byte.
    pub cgroups: &'a [u8],
    pub root: &'a [u8],
    /// Nanoseconds since 1970.
    pub pidns_init_start_ts: Option<u64>,
    pub tty: Option<u32>,
    pub loginuid: Option<u32>,
    pub exe_writable: bool,
    pub cap_inheritable: Option<u64>,
    pub cap_permitted: Option<u64>,
    pub cap_effective: Option<u64>,
    pub exe_upper_layer: bool,
    pub exe_lower_layer: bool,
    pub exe_from_memfd: bool,
    pub exe_ino: Option<u64>,
    /// Nanoseconds since 1970.
    pub exe_ino_ctime: Option<u64>,
    /// Nanoseconds since 1970.
    pub exe_ino_mtime: Option<u64>,
}

/// Reads a row of list version `version`, 1 to 9.
pub(crate) fn parse<'a>(bytes: &mut Bytes<'a>, version: u8) -> Result<ProcessRow<'a>, RowError> {
    if version >= 9 {
        sized(bytes, 4, "process", |bytes| row(bytes, version))
    } else {
        row(bytes, version)
    }
}

fn row<'a>(bytes: &mut Bytes<'a>, version: u8) -> Result<ProcessRow<'a>, RowError> {
    let mut row = ProcessRow {
        tid: bytes.i64()?,
        pid: bytes.i64()?,
        ptid: bytes.i64()?,
        ..ProcessRow::default()
    };
    if version >= 6 {
        row.sid = Some(bytes.i64()?);
    }
    if version >= 8 {
        row.vpgid = Some(bytes.i64()?);
    }
    row.comm = bytes.text()?;
    row.exe = bytes.text()?;
    if version >= 7 {
        row.exepath = bytes.text()?;
    }
    row.args = bytes.text()?;
    row.cwd = bytes.text()?;
    row.fdlimit = bytes.u64()?;
    row.flags = bytes.u32()?;
    row.uid = bytes.u32()?;
    row.gid = bytes.u32()?;
    if version >= 2 {
        row.vmsize_kb = Some(bytes.u32()?);
        row.vmrss_kb = Some(bytes.u32()?);
        row.vmswap_kb = Some(bytes.u32()?);
        row.pfmajor = Some(bytes.u64()?);
        row.pfminor = Some(bytes.u64()?);
    }
    if version >= 3 {
        row.env = bytes.text()?;
    }
    if version >= 4 {
        row.vtid = Some(bytes.i64()?);
        row.vpid = Some(bytes.i64()?);
        row.cgroups = bytes.text()?;
    }
    if version >= 5 {
        row.root = bytes.text()?;
    }
    if version >= 9 {
        // Each writer stops where its knowledge stops.
        let _: Result<(), TooShort> = later(bytes, &mut row);
    }
    Ok(row)
}

/// What was added without a new version: read until the row ends.
fn later(bytes: &mut Bytes<'_>, row: &mut ProcessRow<'_>) -> Result<(), TooShort> {
    if bytes.rest().len() > WITHOUT_NAMESPACE {
        row.pidns_init_start_ts = Some(bytes.u64()?);
        row.tty = Some(bytes.u32()?);
    }
    row.loginuid = Some(bytes.u32()?);
    row.exe_writable = bytes.u8()? != 0;
    row.cap_inheritable = Some(bytes.u64()?);
    row.cap_permitted = Some(bytes.u64()?);
    row.cap_effective = Some(bytes.u64()?);
    row.exe_upper_layer = bytes.u8()? != 0;
    row.exe_ino = Some(bytes.u64()?);
    row.exe_ino_ctime = Some(bytes.u64()?);
    row.exe_ino_mtime = Some(bytes.u64()?);
    row.exe_from_memfd = bytes.u8()? != 0;
    row.exe_lower_layer = bytes.u8()? != 0;
    row.pgid = Some(bytes.i64()?);
    Ok(())
}
