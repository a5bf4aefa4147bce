//! A recording, whichever form it has.

use std::io::Read;

use super::format::{self, word};
use super::{PacketCapture, PacketOptions};
use crate::error::{CaptureError, Place};
use crate::format::block;
use crate::input::Input;
use crate::reader::Reader;
use crate::source::Capture;

/// A recording of events or of packets.
#[derive(Debug)]
#[expect(clippy::exhaustive_enums, reason = "closed: who reads one has to know all forms")]
pub enum Recording {
    /// A capture of Falco, sysdig or k8srd: .scap.
    Events(Box<Capture>),
    /// A packet capture: .pcap or .pcapng.
    Packets(Box<PacketCapture>),
}

/// What a first block's length may be to look behind it.
const FIRST_BLOCK: u32 = 1 << 16;

impl Recording {
    /// Looks at the first bytes of a stream, compressed or not, to see what it holds. The options are
    /// for a packet capture.
    ///
    /// # Errors
    ///
    /// Where they cannot be read, or are of neither.
    pub fn open(
        stream: impl Read + Send + 'static,
        options: PacketOptions,
    ) -> Result<Self, CaptureError> {
        let mut input = Input::open(stream)?;
        input.fill_in(12, Place::default())?;
        let first = input.available();
        let events = match first.first_chunk::<4>().map(|magic| u32::from_le_bytes(*magic)) {
            Some(format::kind::SECTION) => holds_events(&mut input)?,
            Some(magic) if is_legacy(magic) => false,
            _ => return Err(CaptureError::corrupt(neither(first), Place::default())),
        };
        Ok(match events {
            true => Self::Events(Box::new(Capture::of(Reader::of(input)))),
            false => Self::Packets(Box::new(PacketCapture::of(input, options))),
        })
    }
}

/// A .pcap with microseconds or nanoseconds, in either byte order, or in the form that some
/// systems patched in once.
fn is_legacy(magic: u32) -> bool {
    const ORDERS: [u32; 2] = [0xA1B2_C3D4, 0xA1B2_3C4D];
    const PATCHED: u32 = 0xA1B2_CD34;
    ORDERS.contains(&magic) || ORDERS.contains(&magic.swap_bytes()) || magic == PATCHED
}

/// A .scap begins as a .pcapng does; what comes behind says which it is. With nothing behind it is
/// either, and holds nothing.
fn holds_events(input: &mut Input) -> Result<bool, CaptureError> {
    let first = input.available();
    let big_endian = word(first, 8, true) == Some(0x1A2B_3C4D);
    let total = word(first, 4, big_endian).unwrap_or_default();
    if total > FIRST_BLOCK {
        return Ok(false);
    }
    let behind = total as usize;
    input.fill_in(behind + 4, Place::default())?;
    Ok(match word(input.available(), behind, big_endian) {
        // Falco's blocks, of old and of today, and our own.
        Some(kind) => {
            matches!(kind, 0x201..=0x2FF | block::CONTEXT) || kind & 0xFF00_FFFF == 0x8000_ABCD
        }
        None => !big_endian,
    })
}

fn neither(first: &[u8]) -> String {
    let what = "it is neither a .scap capture of events nor a packet capture (.pcap, .pcapng), \
                plain or compressed by gzip";
    if first.is_empty() {
        return format!("{what}: it is empty");
    }
    let bytes: Vec<String> = first.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    format!("{what}: it begins with {}", bytes.join(" "))
}
