//! The files: packets one by one, from a .pcap or .pcapng in either byte order. Facts: the drafts
//! `draft-ietf-opsawg-pcap` and `draft-ietf-opsawg-pcapng`.

use k8srd_core::event::Timestamp;
use pcap_parser::{
    LegacyPcapBlock, OptionCode, PcapError, nom, parse_enhancedpacketblock_be,
    parse_enhancedpacketblock_le, parse_interfacedescriptionblock_be,
    parse_interfacedescriptionblock_le, parse_pcap_frame, parse_pcap_frame_be,
    parse_pcap_frame_modified, parse_pcap_header, parse_sectionheaderblock,
    parse_simplepacketblock_be, parse_simplepacketblock_le,
};

use super::clock::Clock;
use super::link::Link;
use crate::error::{CaptureError, Place};
use crate::input::Input;

/// A packet as it was captured.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) time: Timestamp,
    pub(super) link: Link,
    /// What was captured of it, which may be less than there was.
    pub(super) data: &'a [u8],
    /// How long it was.
    pub(super) length: u32,
}

/// Reads packets in bounded memory.
#[derive(Debug)]
pub(super) struct Packets {
    input: Input,
    place: Place,
    /// Headers, packets and other blocks so far.
    blocks: u64,
    form: Form,
    /// Bytes of the packet given last, which are consumed when the next one is asked for.
    lent: usize,
    /// When the last packet was captured.
    last: Timestamp,
    failed: Option<CaptureError>,
}

/// What the file's first bytes said.
#[derive(Debug)]
enum Form {
    /// Nothing was read yet.
    Start,
    /// .pcap: a header, then packets.
    Legacy { parse: ParseFrame, header: usize, big_endian: bool, interface: Interface },
    /// .pcapng: blocks of several types, the interfaces of this section among them.
    Blocks { big_endian: bool, interfaces: Vec<Interface> },
}

type ParseFrame = fn(&[u8]) -> nom::IResult<&[u8], LegacyPcapBlock<'_>, PcapError<&[u8]>>;

/// Where packets were captured.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: i32,
    snap_length: u32,
    clock: Clock,
}

/// The longest block that is read as a whole, in bytes; four times the longest packet that libpcap
/// captures of a network.
const BLOCK: u32 = 1 << 20;
/// Most interfaces of one section.
const INTERFACES: usize = 4_096;

/// Types of blocks.
pub(super) mod kind {
    pub(in super::super) const SECTION: u32 = 0x0A0D_0D0A;
    pub(super) const INTERFACE: u32 = 1;
    /// What is written no more, but was for years.
    pub(super) const OBSOLETE_PACKET: u32 = 2;
    pub(super) const SIMPLE_PACKET: u32 = 3;
    pub(super) const ENHANCED_PACKET: u32 = 6;
}

impl Packets {
    pub(super) fn new(input: Input) -> Self {
        Self {
            input,
            place: Place::default(),
            blocks: 0,
            form: Form::Start,
            lent: 0,
            last: Timestamp::default(),
            failed: None,
        }
    }

    /// Bytes read so far, after decompression.
    pub(super) fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// The next packet, or `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Packet<'_>>, CaptureError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.input.consume(std::mem::take(&mut self.lent));
        let found = self.advance().inspect_err(|error| self.failed = Some(error.clone()))?;
        let Some(total) = found else { return Ok(None) };
        let Self { input, place, form, lent, last, failed, .. } = self;
        let block = input.available().get(..total).unwrap_or_default();
        let packet = form.packet(block, *last).map_err(|message| {
            let error = CaptureError::corrupt(message, *place);
            *failed = Some(error.clone());
            error
        })?;
        (*lent, *last) = (total, packet.time);
        Ok(Some(packet))
    }

    /// Goes to the next packet, makes its block available and says how long that is; `None` at the end.
    fn advance(&mut self) -> Result<Option<usize>, CaptureError> {
        loop {
            self.place = Place { block: self.blocks, offset: self.input.offset() };
            self.input.fill_in(4, self.place)?;
            let first = self.input.available();
            let magic = match first {
                [] if !matches!(self.form, Form::Start) => return Ok(None),
                [] => return Err(CaptureError::truncated("its first block", self.place)),
                _ => first.first_chunk::<4>().copied(),
            };
            self.blocks += 1;
            match self.form {
                Form::Start if magic == Some(kind::SECTION.to_be_bytes()) => {
                    self.form = Form::Blocks { big_endian: false, interfaces: Vec::new() };
                    self.blocks -= 1;
                }
                Form::Start => self.header()?,
                Form::Legacy { header, big_endian, .. } => {
                    return self.record(header, big_endian).map(Some);
                }
                Form::Blocks { .. } => {
                    if let Some(total) = self.block()? {
                        return Ok(Some(total));
                    }
                }
            }
        }
    }

    /// Reads the header of a .pcap.
    fn header(&mut self) -> Result<(), CaptureError> {
        let bytes = self.input.need(24, "its header", self.place)?;
        let (_, header) = parse_pcap_header(bytes).map_err(|_| {
            let message = "it does not begin like a .pcap or .pcapng packet capture";
            CaptureError::corrupt(message, self.place)
        })?;
        if header.version_major != 2 {
            let (major, minor) = (header.version_major, header.version_minor);
            let message = format!("it is of version {major}.{minor}, only 2.x can be read");
            return Err(CaptureError::corrupt(message, self.place));
        }
        let big_endian = header.is_bigendian();
        let (parse, length): (ParseFrame, _) = match (header.is_modified_format(), big_endian) {
            (true, _) => (parse_pcap_frame_modified, 24),
            (false, true) => (parse_pcap_frame_be, 16),
            (false, false) => (parse_pcap_frame, 16),
        };
        let clock =
            if header.is_nanosecond_precision() { Clock::NANOSECONDS } else { Clock::MICROSECONDS };
        // What stands above tells of a checksum behind each frame, which no header counts.
        let link = header.network.0 & 0xffff;
        let snap_length = header.snaplen;
        let interface = Interface { link, snap_length, clock };
        self.form = Form::Legacy { parse, header: length, big_endian, interface };
        self.input.consume(24);
        Ok(())
    }

    /// Makes a packet of a .pcap available; says how long it is with its header.
    fn record(&mut self, header: usize, big_endian: bool) -> Result<usize, CaptureError> {
        let bytes = self.input.need(header, "a packet's header", self.place)?;
        let captured = word(bytes, 8, big_endian).unwrap_or_default();
        if captured > BLOCK {
            let message = format!("a packet is {captured} bytes long, {BLOCK} at most");
            return Err(CaptureError::corrupt(message, self.place));
        }
        let total = header + captured as usize;
        self.input.need(total, "a packet", self.place)?;
        Ok(total)
    }

    /// Reads a block of a .pcapng; says how long it is if it holds a packet.
    fn block(&mut self) -> Result<Option<usize>, CaptureError> {
        let place = self.place;
        let corrupt = |message: String| CaptureError::corrupt(message, place);
        let Form::Blocks { big_endian, interfaces } = &mut self.form else { return Ok(None) };
        let bytes = self.input.need(12, "a block's header", place)?;
        let is_section = word(bytes, 0, false) == Some(kind::SECTION);
        if is_section {
            *big_endian = match word(bytes, 8, false) {
                Some(0x1A2B_3C4D) => false,
                Some(0x4D3C_2B1A) => true,
                _ => return Err(corrupt("a section's header is not one of a .pcapng".to_owned())),
            };
        }
        let big_endian = *big_endian;
        let read = |at| word(bytes, at, big_endian).unwrap_or_default();
        let (block_kind, total) = (read(0), read(4));
        let (least, what) = match block_kind {
            kind::SECTION => (28, "a section's header"),
            kind::INTERFACE => (20, "an interface's block"),
            kind::OBSOLETE_PACKET | kind::ENHANCED_PACKET => (32, "a packet"),
            kind::SIMPLE_PACKET => (16, "a packet"),
            _ => (12, "a block"),
        };
        if total < least || total % 4 != 0 {
            let message =
                format!("a block of type {block_kind:#x} says that it is {total} bytes long");
            return Err(corrupt(message));
        }
        if what == "a block" {
            self.input.skip(total as usize, what, place)?;
            return Ok(None);
        }
        if total > BLOCK {
            return Err(corrupt(format!("{what} is {total} bytes long, {BLOCK} at most")));
        }
        let total = total as usize;
        let bytes = self.input.need(total, what, place)?;
        let trailer = word(bytes, total - 4, big_endian).unwrap_or_default();
        if trailer as usize != total {
            return Err(corrupt(format!(
                "a block says at its start that it is {total} bytes long, at its end {trailer}"
            )));
        }
        match block_kind {
            kind::SECTION => {
                let wrong = || corrupt("a section's header is not one of a .pcapng".to_owned());
                let (_, section) = parse_sectionheaderblock(bytes).map_err(|_| wrong())?;
                if section.major_version != 1 {
                    let (major, minor) = (section.major_version, section.minor_version);
                    let message = format!("it is of version {major}.{minor}, only 1.x can be read");
                    return Err(corrupt(message));
                }
                interfaces.clear();
            }
            kind::INTERFACE if interfaces.len() >= INTERFACES => {
                return Err(corrupt(format!("a section has more than {INTERFACES} interfaces")));
            }
            kind::INTERFACE => interfaces.push(interface(bytes, big_endian).map_err(corrupt)?),
            _ => return Ok(Some(total)),
        }
        self.input.consume(total);
        Ok(None)
    }
}

impl Form {
    /// The packet in a whole block; what cannot be read of it, as text.
    fn packet<'a>(&self, block: &'a [u8], last: Timestamp) -> Result<Packet<'a>, String> {
        let unreadable = || "a packet's block is not what its type says".to_owned();
        let (interface, data, length, time) = match self {
            Self::Start => return Err(unreadable()),
            Self::Legacy { parse, interface, .. } => {
                let (_, frame) = parse(block).map_err(|_| unreadable())?;
                let time = interface.clock.of_parts(frame.ts_sec, frame.ts_usec);
                (*interface, frame.data, frame.origlen, time)
            }
            Self::Blocks { big_endian, interfaces } => {
                let found = InBlock::read(block, *big_endian).ok_or_else(unreadable)?;
                let interface = usize::try_from(found.interface).ok();
                let interface = interface.and_then(|place| interfaces.get(place)).copied();
                let interface = interface.ok_or_else(|| {
                    let (interface, known) = (found.interface, interfaces.len());
                    format!("a packet is of interface {interface}, the section has {known}")
                })?;
                let (data, time) = match found.time {
                    Some(units) => (found.data, interface.clock.of_units(units)),
                    // A simple packet has no time, and is as long as the interface captured.
                    None => (within(found.data, interface.snap_length), last),
                };
                (interface, data, found.length, time)
            }
        };
        let link = Link::of(interface.link).ok_or_else(|| {
            format!(
                "packets of link type {} cannot be read, only those of {}",
                interface.link,
                Link::READ
            )
        })?;
        Ok(Packet { time, link, data, length })
    }
}

/// A packet as its block tells it.
struct InBlock<'a> {
    interface: u32,
    /// In units of the interface.
    time: Option<u64>,
    data: &'a [u8],
    length: u32,
}

impl<'a> InBlock<'a> {
    fn read(block: &'a [u8], big_endian: bool) -> Option<Self> {
        let units = |high: u32, low: u32| Some(u64::from(high) << 32 | u64::from(low));
        Some(match word(block, 0, big_endian)? {
            kind::ENHANCED_PACKET => {
                let parse = if big_endian {
                    parse_enhancedpacketblock_be
                } else {
                    parse_enhancedpacketblock_le
                };
                let (_, packet) = parse(block).ok()?;
                Self {
                    interface: packet.if_id,
                    time: units(packet.ts_high, packet.ts_low),
                    data: within(packet.data, packet.caplen),
                    length: packet.origlen,
                }
            }
            kind::SIMPLE_PACKET => {
                let parse = if big_endian {
                    parse_simplepacketblock_be
                } else {
                    parse_simplepacketblock_le
                };
                let (_, packet) = parse(block).ok()?;
                let data = packet.data.get(..packet.origlen as usize).unwrap_or(packet.data);
                Self { interface: 0, time: None, data, length: packet.origlen }
            }
            // The crate does not know this one.
            kind::OBSOLETE_PACKET => {
                let read = |at| word(block, at, big_endian);
                let bytes = block.get(8..10)?.try_into().ok()?;
                let interface =
                    if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
                let captured = read(20)? as usize;
                Self {
                    interface: interface.into(),
                    time: units(read(12)?, read(16)?),
                    data: block.get(28..28_usize.checked_add(captured)?)?,
                    length: read(24)?,
                }
            }
            _ => return None,
        })
    }
}

/// At most `most` bytes; 0 is without limit.
fn within(data: &[u8], most: u32) -> &[u8] {
    if most == 0 { data } else { data.get(..most as usize).unwrap_or(data) }
}

fn interface(block: &[u8], big_endian: bool) -> Result<Interface, String> {
    let parse = if big_endian {
        parse_interfacedescriptionblock_be
    } else {
        parse_interfacedescriptionblock_le
    };
    let parsed = parse(block).map_err(|_| "an interface's block is not what its type says")?;
    let (_, described) = parsed;
    let offset = described.options.iter().find(|option| option.code == OptionCode::IfTsoffset);
    let offset = offset.and_then(|option| option.value.first_chunk::<8>().copied());
    // Not as the crate reads it: it takes the number for a little-endian one in either order.
    let read = if big_endian { i64::from_be_bytes } else { i64::from_le_bytes };
    let clock = Clock::new(described.if_tsresol, offset.map_or(0, read))?;
    Ok(Interface { link: described.linktype.0, snap_length: described.snaplen, clock })
}

/// The word at a place.
pub(super) fn word(bytes: &[u8], at: usize, big_endian: bool) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk::<4>().copied()?;
    Some(if big_endian { u32::from_be_bytes(word) } else { u32::from_le_bytes(word) })
}
