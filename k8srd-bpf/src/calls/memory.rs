//! Memory.

use k8srd_core::value::Value;

use super::{Call, Make, call};
use crate::abi::plan;
use crate::record::flags;
use Make::{AddressResult, As, Int, Long, Of, Result};

const SIZE: Make = Of(|it, _, _| Some(Value::U64(it.usage()?.vm_size.into())));
const RESIDENT: Make = Of(|it, _, _| Some(Value::U64(it.usage()?.vm_rss.into())));
const SWAPPED: Make = Of(|it, _, _| Some(Value::U64(it.usage()?.vm_swap.into())));

/// Programs map files and memory all the time. Unless more is asked for, these are told of memory
/// that is to be executed and has not come from a file as it is; of `mprotect`, where the kernel
/// would have to search for the file, all memory that is to be executed.
const SUSPICIOUS: u32 = plan::EXECUTABLE | plan::UNBACKED;

pub(super) const CALLS: &[Call] = &[
    call(
        "mmap",
        &[
            Result,
            SIZE,
            RESIDENT,
            SWAPPED,
            Long(0),
            Long(1),
            As(2, flags::protection),
            As(3, flags::mapping),
            Int(4),
            Long(5),
        ],
    )
    .about(4)
    .needs(plan::USAGE | SUSPICIOUS),
    call(
        "mmap2",
        &[
            Result,
            SIZE,
            RESIDENT,
            SWAPPED,
            Long(0),
            Long(1),
            As(2, flags::protection),
            As(3, flags::mapping),
            Int(4),
            Long(5),
        ],
    )
    .about(4)
    .needs(plan::USAGE | SUSPICIOUS),
    call("munmap", &[Result, SIZE, RESIDENT, SWAPPED, Long(0), Long(1)]).needs(plan::USAGE),
    call("brk", &[AddressResult, SIZE, RESIDENT, SWAPPED, Long(0)]).needs(plan::USAGE),
    call("mprotect", &[Result, Long(0), Long(1), As(2, flags::protection)]).needs(plan::EXECUTABLE),
    call("pkey_mprotect", super::general::PARAMS).needs(plan::EXECUTABLE),
    call("mlock", &[Result, Long(0), Long(1)]),
    call("mlock2", &[Result, Long(0), Long(1), As(2, flags::mlock2)]),
    call("munlock", &[Result, Long(0), Long(1)]),
    call("mlockall", &[Result, As(0, flags::mlockall)]),
    call("munlockall", &[Result]),
];
