//! Reading fixed little-endian forms from bytes that may be too few.

/// The bytes are too few for what should be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooShort;

/// Reads from the front of a slice.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    pub(crate) fn new(all: &'a [u8]) -> Self {
        Self { all, at: 0 }
    }

    /// How many were read.
    pub(crate) fn read(&self) -> usize {
        self.at
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.all.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn take(&mut self, n: usize) -> Result<&'a [u8], TooShort> {
        let end = self.at.checked_add(n).ok_or(TooShort)?;
        let taken = self.all.get(self.at..end).ok_or(TooShort)?;
        self.at = end;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], TooShort> {
        self.take(N)?.try_into().map_err(|_| TooShort)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, TooShort> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, TooShort> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, TooShort> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, TooShort> {
        self.array().map(u64::from_le_bytes)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, TooShort> {
        self.array().map(i64::from_le_bytes)
    }

    /// Bytes behind their number.
    pub(crate) fn text(&mut self) -> Result<&'a [u8], TooShort> {
        let length = self.u16()?;
        self.take(length.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_not_read() {
        let mut bytes = Bytes::new(&[1, 2, 0, b'a', b'b', 9]);
        assert_eq!(bytes.u8(), Ok(1));
        assert_eq!(bytes.text(), Ok(&b"ab"[..]));
        assert_eq!(bytes.u16(), Err(TooShort));
        assert_eq!((bytes.read(), bytes.rest()), (5, &[9][..]));
        assert_eq!(bytes.take(usize::MAX), Err(TooShort));
    }
}
