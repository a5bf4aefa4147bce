//! Captures as pieces without lengths that have to be right, so that a changed byte is a changed
//! capture and not one that is refused.

/// Types of blocks by the first byte of a piece: events, tables of every version, others.
const KINDS: [u32; 34] = [
    0x216,
    0x217,
    0x221,
    0x222,
    0x204,
    0x208,
    0x202,
    0x207,
    0x209,
    0x210,
    0x211,
    0x212,
    0x213,
    0x214,
    0x215,
    0x203,
    0x218,
    0x205,
    0x219,
    0x206,
    0x220,
    0x201,
    SECTION,
    0x8000_ABCD,
    0x8001_ABCD,
    0x8002_ABCD,
    0x8010_ABCD,
    0x8011_ABCD,
    0x8012_ABCD,
    0x8013_ABCD,
    0x8014_ABCD,
    0x999,
    // The context of a row: k8srd's own.
    0x6B38_0001,
    0x8016_ABCD,
];
const SECTION: u32 = 0x0A0D_0D0A;
/// Bytes before and behind the body of a block.
const HEADER: usize = 8;
const TRAILER: usize = 4;

/// Pieces of a type, a length and a body, as blocks behind the header of a section.
pub fn framed(mut data: &[u8]) -> Vec<u8> {
    let mut capture = Vec::new();
    for word in [SECTION, 28, 0x1A2B_3C4D, 0x0002_0001, u32::MAX, u32::MAX, 28] {
        capture.extend(word.to_le_bytes());
    }
    while let [kind, low, high, rest @ ..] = data {
        let length = usize::from(u16::from_le_bytes([*low, *high])).min(rest.len());
        let (body, rest) = rest.split_at(length);
        let padded = length.next_multiple_of(4);
        let total = (HEADER + padded + TRAILER) as u32;
        capture.extend(KINDS[usize::from(*kind) % KINDS.len()].to_le_bytes());
        capture.extend(total.to_le_bytes());
        capture.extend_from_slice(body);
        capture.extend(std::iter::repeat_n(0, padded - length));
        capture.extend(total.to_le_bytes());
        data = rest;
    }
    capture
}

/// The pieces of a capture that is not compressed, up to what cannot be one; the first section
/// begins by itself.
pub fn pieces(mut capture: &[u8]) -> Vec<u8> {
    let mut pieces = Vec::new();
    while let Some((header, rest)) = capture.split_first_chunk::<HEADER>() {
        let [a, b, c, d, total @ ..] = *header;
        let kind = u32::from_le_bytes([a, b, c, d]);
        let length = (u32::from_le_bytes(total) as usize).saturating_sub(HEADER + TRAILER);
        let place = KINDS.iter().position(|it| *it == kind);
        let (Some(place), Some(body)) = (place, rest.get(..length)) else { break };
        if kind != SECTION || !pieces.is_empty() {
            let Ok(length) = u16::try_from(length) else { break };
            pieces.push(place as u8);
            pieces.extend(length.to_le_bytes());
            pieces.extend_from_slice(body);
        }
        capture = rest.get(length + TRAILER..).unwrap_or_default();
    }
    pieces
}
