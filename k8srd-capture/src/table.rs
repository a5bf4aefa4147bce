//! The tables at the start of a capture: what ran, what was open, who there was when recording
//! began.
//!
//! Facts: `userspace/libscap/engine/savefile/scap_savefile.c` of falcosecurity/libs.

mod descriptor;
mod interface;
mod process;
mod user;

pub use descriptor::{Descriptor, DescriptorRow};
pub use interface::InterfaceRow;
pub use process::ProcessRow;
pub(crate) use user::UserOrGroup;
pub use user::{GroupRow, UserRow};

pub(crate) use descriptor::parse as parse_descriptor;
pub(crate) use interface::parse as parse_interface;
pub(crate) use process::parse as parse_process;
pub(crate) use user::parse as parse_user;

use crate::bytes::{Bytes, TooShort};

/// Why a row cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RowError {
    /// It goes on past the bytes that are there.
    TooShort,
    /// It contradicts itself.
    Wrong(String),
}

impl From<TooShort> for RowError {
    fn from(_: TooShort) -> Self {
        Self::TooShort
    }
}

/// A row that says its own length, which a newer writer may have made longer than what is known
/// here. `counted` is how many bytes the length counts before `row`, which begins behind it.
fn sized<'a, T>(
    bytes: &mut Bytes<'a>,
    counted: usize,
    what: &str,
    row: impl FnOnce(&mut Bytes<'a>) -> Result<T, RowError>,
) -> Result<T, RowError> {
    let length = bytes.u32()? as usize;
    let wrong = || RowError::Wrong(format!("the {what} says that it is {length} bytes long"));
    let own = length.checked_sub(counted).ok_or_else(wrong)?;
    let mut inside = Bytes::new(bytes.take(own)?);
    // Within its own length there has to be a whole row.
    row(&mut inside).map_err(|error| match error {
        RowError::TooShort => wrong(),
        wrong @ RowError::Wrong(_) => wrong,
    })
}
