#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod clone_flag;
pub mod container;
mod hash;
mod path;
pub mod process;
mod read;
pub mod syscall;
mod unmarked;
