#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod bytes;
mod codes;
mod convert;
mod decode;
mod error;
mod input;
mod reader;
mod record;
mod source;
mod state;
mod table;

pub use error::{CaptureError, Place};
pub use reader::{Item, Machine, Reader};
pub use record::Record;
pub use source::{Capture, CaptureReport};
pub use table::{Descriptor, DescriptorRow, GroupRow, InterfaceRow, ProcessRow, UserRow};
