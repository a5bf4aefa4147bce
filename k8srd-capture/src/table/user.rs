//! Rows of the list of users and groups.

use super::{RowError, sized};
use crate::bytes::Bytes;
use crate::format::user_type;

/// A user.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "named after what they are")]
pub struct UserRow<'a> {
    pub uid: u32,
    pub gid: u32,
    pub name: &'a [u8],
    pub home: &'a [u8],
    pub shell: &'a [u8],
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(missing_docs, reason = "named after what they are")]
pub struct GroupRow<'a> {
    pub gid: u32,
    pub name: &'a [u8],
}

/// One or the other.
pub(crate) enum UserOrGroup<'a> {
    User(UserRow<'a>),
    Group(GroupRow<'a>),
}

/// Reads a row of a list of version 1 or 2.
pub(crate) fn parse<'a>(bytes: &mut Bytes<'a>, version: u8) -> Result<UserOrGroup<'a>, RowError> {
    if version >= 2 { sized(bytes, 4, "user", row) } else { row(bytes) }
}

fn row<'a>(bytes: &mut Bytes<'a>) -> Result<UserOrGroup<'a>, RowError> {
    match bytes.u8()? {
        user_type::USER => Ok(UserOrGroup::User(UserRow {
            uid: bytes.u32()?,
            gid: bytes.u32()?,
            name: bytes.text()?,
            home: bytes.text()?,
            shell: bytes.text()?,
        })),
        user_type::GROUP => {
            Ok(UserOrGroup::Group(GroupRow { gid: bytes.u32()?, name: bytes.text()? }))
        }
        other => Err(RowError::Wrong(format!("a user is of unknown type {other}"))),
    }
}
