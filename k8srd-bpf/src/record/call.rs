//! Any system call that has no body of its own: texts, an address, a buffer, structs, and what is
//! known of a descriptor.

use k8srd_core::arena::Arena;
use k8srd_core::value::{SocketTuple, Value};
use zerocopy::FromBytes;

use super::descriptor::{self, About};
use super::{RecordError, View, flags};
use crate::abi::{CallBody, Context, Part, Usage, flag, layer};
use crate::calls::{self, Call, Make};

/// The call may go on in the background.
const EINPROGRESS: i64 = 115;

/// A record of a call, its variable parts resolved. What was not read is `None`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called<'a> {
    kind: u16,
    pub(super) body: CallBody,
    texts: [Option<&'a [u8]>; 3],
    bases: [&'a [u8]; 3],
    address: Option<&'a [u8]>,
    data: Option<&'a [u8]>,
    control: Option<&'a [u8]>,
    fixed: [Option<&'a [u8]>; 2],
    pub(super) about: Option<About<'a>>,
    usage: Option<Usage>,
    narrow: bool,
}

impl<'a> Called<'a> {
    pub(super) fn parse(view: &View<'a, '_>) -> Result<Self, RecordError> {
        let body = view.body::<CallBody>()?;
        let [text_0, text_1, text_2] = body.text;
        let [base_0, base_1, base_2] = body.base;
        let [fixed_0, fixed_1] = body.fixed;
        Ok(Self {
            kind: view.header.kind,
            body,
            texts: [
                read(view, "first text", text_0)?,
                read(view, "second text", text_1)?,
                read(view, "third text", text_2)?,
            ],
            bases: [
                view.part("first base", base_0)?,
                view.part("second base", base_1)?,
                view.part("third base", base_2)?,
            ],
            address: read(view, "address", body.addr)?,
            data: read(view, "data", body.data)?,
            control: read(view, "control data", body.control)?,
            fixed: [read(view, "first struct", fixed_0)?, read(view, "second struct", fixed_1)?],
            about: match read(view, "descriptor", body.about)? {
                Some(bytes) => Some(About::parse(view, bytes)?),
                None => None,
            },
            usage: match read(view, "usage", body.usage)? {
                Some(bytes) => Some(super::take::<Usage>(bytes, "usage")?.0),
                None => None,
            },
            narrow: view.has(flag::COMPAT),
        })
    }

    pub(super) fn param<'e>(
        &'e self,
        row: &Call,
        place: u8,
        context: &'e Context,
        arena: &'e Arena,
    ) -> Option<Value<'e>> {
        match *row.params.get(usize::from(place))? {
            Make::Result => Some(Value::I64(self.body.res)),
            Make::Unsigned32Result => Some(Value::U64((self.body.res as u32).into())),
            Make::AddressResult => Some(Value::U64(self.body.res as u64)),
            Make::Int(n) => Some(Value::I64((self.argument(n) as i32).into())),
            Make::Uint(n) => Some(Value::U64(self.argument(n) & 0xffff_ffff)),
            Make::Byte(n) => Some(Value::U64(self.argument(n) & 0xff)),
            Make::Long(n) => Some(Value::U64(self.argument(n))),
            Make::Position(n) => Some(Value::U64(self.pair(n))),
            Make::PairedPosition(n) => Some(Value::U64(match cfg!(target_arch = "aarch64") {
                true => self.pair(n + n % 2),
                false => self.pair(n),
            })),
            Make::As(n, told) => Some(Value::U64(told(self.argument(n)).into())),
            Make::Zero => Some(Value::U64(0)),
            Make::Text(n) => self.text(n).map(Value::Str),
            Make::FilledText(n) => self.text(n).filter(|_| !self.failed()).map(Value::Str),
            // Nothing is a buffer, too, as in a recording.
            Make::Data => Some(Value::Bytes(self.data.unwrap_or_default())),
            Make::FilledData if self.body.res <= 0 => Some(Value::Bytes(&[])),
            Make::FilledData => Some(Value::Bytes(self.data.unwrap_or_default())),
            Make::Control => Some(Value::Bytes(self.control.unwrap_or_default())),
            Make::Total => Some(Value::U64(self.body.total & 0xffff_ffff)),
            Make::Received => Some(Value::U64(self.body.res.max(0) as u64)),
            Make::Address => self.address.and_then(descriptor::socket_address).map(Value::Addr),
            Make::Sender => self.tuple(About::sender).map(Value::Tuple),
            Make::Receiver => self.tuple(About::receiver).map(Value::Tuple),
            Make::Of(make) => make(self, context, arena),
        }
    }

    /// As in Falco there are no ends if the call failed, unless it goes on in the background.
    fn tuple(&self, of: EndsOf<'a>) -> Option<SocketTuple<'a>> {
        if self.failed() && self.body.res != -EINPROGRESS {
            return None;
        }
        of(self.about.as_ref()?, self.address.and_then(descriptor::socket_address))
    }

    /// The kind of the record.
    pub(crate) fn kind(&self) -> u16 {
        self.kind
    }

    /// The number that the kind's call has for the caller.
    pub(crate) fn number(&self) -> Option<u16> {
        calls::number(self.kind, self.narrow)
    }

    pub(crate) fn failed(&self) -> bool {
        self.body.res < 0
    }

    /// An argument, counted from 0.
    pub(crate) fn argument(&self, n: u8) -> u64 {
        self.body.args.get(usize::from(n)).copied().unwrap_or_default()
    }

    /// 64 bits, which a 32-bit caller gives in two halves.
    fn pair(&self, n: u8) -> u64 {
        match self.narrow {
            true => self.argument(n + 1) << 32 | self.argument(n) & 0xffff_ffff,
            false => self.argument(n),
        }
    }

    pub(crate) fn text(&self, n: u8) -> Option<&'a [u8]> {
        self.texts.get(usize::from(n)).copied().flatten()
    }

    /// The directory that the `n`th name of the call starts from; empty if that is not relative.
    pub(super) fn base(&self, row: &Call, n: usize) -> &'a [u8] {
        row.names().nth(n).and_then(|at| self.bases.get(at)).copied().unwrap_or_default()
    }

    /// The bytes of the buffer.
    pub(crate) fn given(&self) -> Option<&'a [u8]> {
        self.data
    }

    /// A text that only some calls of the kind have, if the call succeeded.
    pub(crate) fn given_text(&self, n: u8) -> Option<Value<'a>> {
        self.text(n).filter(|_| !self.failed()).map(Value::Str)
    }

    pub(crate) fn given_u32(&self) -> Option<u32> {
        number(self.data?, 0).map(u32::from_ne_bytes)
    }

    pub(crate) fn given_u64(&self) -> Option<u64> {
        number(self.data?, 0).map(u64::from_ne_bytes)
    }

    /// A `struct timeval`, in nanoseconds.
    pub(crate) fn given_time(&self) -> Option<u64> {
        let (seconds, micros) = self.two_words(self.data?)?;
        Some(seconds.wrapping_mul(1_000_000_000).wrapping_add(micros.wrapping_mul(1000)))
    }

    /// A `struct timespec`, in nanoseconds.
    pub(crate) fn duration_in(&self, place: usize) -> Option<u64> {
        let (seconds, nanos) = self.two_words(self.fixed.get(place).copied().flatten()?)?;
        Some(seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos))
    }

    /// Numbers as wide as the caller's registers.
    fn two_words(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        Some(match self.narrow && bytes.len() < 16 {
            true => {
                let word = |at| number(bytes, at).map(|word| u64::from(u32::from_ne_bytes(word)));
                (word(0)?, word(4)?)
            }
            false => (u64::from_ne_bytes(number(bytes, 0)?), u64::from_ne_bytes(number(bytes, 8)?)),
        })
    }

    pub(crate) fn u16_in(&self, place: usize, at: usize) -> Option<u16> {
        number(self.fixed.get(place).copied().flatten()?, at).map(u16::from_ne_bytes)
    }

    pub(crate) fn u32_in(&self, place: usize, at: usize) -> Option<u32> {
        number(self.fixed.get(place).copied().flatten()?, at).map(u32::from_ne_bytes)
    }

    pub(crate) fn u64_in(&self, place: usize, at: usize) -> Option<u64> {
        number(self.fixed.get(place).copied().flatten()?, at).map(u64::from_ne_bytes)
    }

    /// The `n`th number as wide as the caller's registers.
    pub(crate) fn word_in(&self, place: usize, n: usize) -> Option<u64> {
        match self.narrow {
            true => self.u32_in(place, 4 * n).map(u64::from),
            false => self.u64_in(place, 8 * n),
        }
    }

    /// A limit of resources: without one, -1.
    pub(crate) fn limit_in(&self, place: usize, n: usize) -> Option<i64> {
        Some(match self.word_in(place, n)? {
            limit if self.narrow && limit == u64::from(u32::MAX) => -1,
            limit => limit as i64,
        })
    }

    /// One of the two descriptors that the call made; -1 if it did not.
    pub(crate) fn made(&self, n: usize) -> Option<Value<'a>> {
        let fd = self.u32_in(0, 4 * n).map_or(-1, |fd| fd as i32);
        Some(Value::I64(fd.into()))
    }

    pub(crate) fn ino(&self) -> u64 {
        self.about.as_ref().map_or(0, |about| about.body.ino)
    }

    pub(crate) fn dev(&self) -> u64 {
        self.about.as_ref().map_or(0, |about| about.body.dev.into())
    }

    /// The path of the descriptor's file.
    pub(crate) fn path(&self) -> Option<&'a [u8]> {
        self.about.as_ref().map(|about| about.path).filter(|path| !path.is_empty())
    }

    /// The flags of an argument as those of an open, with what the call made of them.
    pub(crate) fn opened_flags(&self, n: u8) -> u64 {
        let told = flags::open(self.argument(n) & 0xffff_ffff);
        let made = self.about.as_ref().map_or(0, |about| {
            let created = about.body.fmode & flags::FMODE_CREATED != 0;
            let layer = match about.body.layer {
                layer::UPPER => flags::UPPER_LAYER,
                layer::LOWER => flags::LOWER_LAYER,
                _ => 0,
            };
            layer | if created { flags::CREATED } else { 0 }
        });
        (told | made).into()
    }

    /// Of the socket that accepted: how full its queue is in percent, how many wait, how many may.
    pub(crate) fn queue(&self) -> (u64, u64, u64) {
        let (len, max) = self.about.as_ref().map_or((0, 0), |about| {
            (u64::from(about.body.queue_len), u64::from(about.body.queue_max))
        });
        let percent = (len * 100).checked_div(max).unwrap_or_default();
        (percent & 0xff, len, max)
    }

    /// Kernel addresses of a socket and its peer.
    pub(crate) fn sockets(&self) -> (u64, u64) {
        self.about.as_ref().map_or((0, 0), |about| (about.body.sock, about.body.peer))
    }

    pub(crate) fn usage(&self) -> Option<&Usage> {
        self.usage.as_ref()
    }
}

type EndsOf<'a> =
    fn(&About<'a>, Option<k8srd_core::value::SocketAddress<'a>>) -> Option<SocketTuple<'a>>;

/// The bytes of a part; `None` if it was not read.
fn read<'a>(
    view: &View<'a, '_>,
    name: &'static str,
    part: Part,
) -> Result<Option<&'a [u8]>, RecordError> {
    if part.offset == 0 {
        return Ok(None);
    }
    view.part(name, part).map(Some)
}

/// The bytes of a number, if they are all there.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    <[u8; N]>::read_from_prefix(bytes.get(at..)?).ok().map(|(number, _)| number)
}
