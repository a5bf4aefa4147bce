//! The kernel itself: modules, eBPF.

use super::{Call, Make, call};
use crate::abi::read;
use crate::record::flags;
use Make::{As, Data, Int, Long, Result, Text, Uint};

pub(super) const CALLS: &[Call] = &[
    call("init_module", &[Result, Data, Long(1), Text(0)]).data(read::WHOLE, 0, 1).text(2),
    call("finit_module", &[Result, Int(0), Text(0), As(2, flags::module)]).text(1).about(0),
    call("delete_module", &[Result, Text(0), As(1, flags::delete_module)]).text(0),
    // Of what it makes only some is a descriptor: programs, maps, links.
    call("bpf", &[Result, Uint(0)]),
];
