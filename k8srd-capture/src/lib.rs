#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bytes;
mod codes;
mod context;
mod convert;
mod decode;
mod error;
mod format;
mod input;
mod omission;
#[cfg(feature = "pcap")]
mod packets;
mod reader;
mod record;
mod source;
mod state;
mod table;
mod write;

pub use context::Context;
pub use error::{CaptureError, Place};
pub use omission::{Omission, Omissions, Omitted};
#[cfg(feature = "pcap")]
pub use packets::{PacketCapture, PacketOptions, PacketReport, Recording};
pub use reader::{Item, Machine, Reader};
pub use record::{Record, RecordBuf};
pub use source::{Capture, CaptureReport};
pub use table::{Descriptor, DescriptorRow, GroupRow, InterfaceRow, ProcessRow, UserRow};
pub use write::{Recorder, RecorderCounts, RecorderOptions, WriteError, Writer};
