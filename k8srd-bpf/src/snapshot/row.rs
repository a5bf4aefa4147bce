//! A task row under construction.

use zerocopy::{FromBytes, FromZeros, IntoBytes};

use crate::abi::{ABI, BODY, Context, ExecBody, Header, Part, hook, kind};

/// A record of kind [`kind::TASK`] in pieces.
pub(super) struct Row {
    pub(super) header: Header,
    pub(super) context: Context,
    pub(super) body: ExecBody,
    tail: Vec<u8>,
}

/// Where the tail begins.
const TAIL: usize = BODY + size_of::<ExecBody>();

impl Row {
    pub(super) fn new() -> Self {
        let flags = hook::ITER << hook::SHIFT;
        let header = Header { abi: ABI, kind: kind::TASK, flags, ..Header::new_zeroed() };
        Self {
            header,
            context: Context::new_zeroed(),
            body: ExecBody::new_zeroed(),
            tail: Vec::new(),
        }
    }

    /// Takes a whole row apart; `None` if it is none.
    pub(super) fn parse(row: &[u8]) -> Option<Self> {
        let (header, rest) = Header::read_from_prefix(row).ok()?;
        let (context, rest) = Context::read_from_prefix(rest).ok()?;
        let (body, tail) = ExecBody::read_from_prefix(rest).ok()?;
        Some(Self { header, context, body, tail: tail.to_vec() })
    }

    /// Puts bytes into the tail. What does not fit any more is left out.
    pub(super) fn part(&mut self, bytes: &[u8]) -> Part {
        let offset = u16::try_from(TAIL + self.tail.len());
        let len = u16::try_from(bytes.len());
        match (offset, len) {
            (Ok(offset), Ok(len)) => {
                self.tail.extend_from_slice(bytes);
                Part { offset, len }
            }
            _ => Part { offset: 0, len: 0 },
        }
    }

    /// Appends the record to `out`.
    pub(super) fn write(mut self, out: &mut Vec<u8>) {
        self.header.size = (TAIL + self.tail.len()) as u32;
        out.extend_from_slice(self.header.as_bytes());
        out.extend_from_slice(self.context.as_bytes());
        out.extend_from_slice(self.body.as_bytes());
        out.extend_from_slice(&self.tail);
    }
}
