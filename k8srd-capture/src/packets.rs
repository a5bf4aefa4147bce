//! Packet captures as a source of events.

mod clock;
mod event;
mod flow;
mod format;
mod link;
mod passed;
mod recording;
mod segment;
mod stream;

use std::collections::BTreeMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::interest::Interest;
use k8srd_core::loss::{LossReason, Losses};
use k8srd_core::set::{FieldSet, KindSet};
use k8srd_core::source::{Flow, Source, SourceError};

use crate::error::CaptureError;
use crate::input::Input;
use event::{Act, PacketEvent, Told, kind};
use flow::{Flows, Limits, Seen, Step};
use format::Packets;
use passed::{Passed, PassedOver};
use segment::{Segment, Transport};

pub use recording::Recording;

/// Packets that one call of [`Source::read`] looks at, at most.
const PACKETS_PER_READ: usize = 1024;

/// How a [`PacketCapture`] becomes events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "plain data: built with struct update syntax")]
pub struct PacketOptions {
    /// Bytes of each segment's data that events carry; 80 unless said, as in Falco.
    pub snap_length: usize,
    /// Most flows of which state is kept, 65,536 unless said: about 20 MiB.
    pub flows: usize,
    /// How long a flow without a packet is remembered, an hour unless said.
    pub idle: Duration,
}

impl Default for PacketOptions {
    fn default() -> Self {
        Self { snap_length: 80, flows: 65_536, idle: Duration::from_secs(3_600) }
    }
}

/// Gives what packets of TCP and UDP tell, as events without a process: a connection that is made
/// (`connect`, `accept4`) or refused (`connect`), and data that is sent (`sendto`).
///
/// Besides params an event answers `fd.is_server` (whether it is the server that did it) and
/// `fd.name_changed` (whether it is the first of its flow). For the other fields of descriptors put
/// behind it an enricher that takes these two from its source, as `SyscallFields` of k8srd-enrich
/// does (`SyscallFieldsBuilder::flows`).
#[derive(Debug)]
pub struct PacketCapture {
    packets: Packets,
    flows: Flows,
    snap_length: usize,
    /// An event that nobody took yet: who read wanted no more.
    waiting: Option<(Told, Vec<u8>)>,
    counted: Counted,
    report: Arc<Mutex<Counted>>,
    ended: bool,
}

/// What there is to say about a capture, besides its events.
#[derive(Clone, Debug, Default)]
struct Counted {
    packets: u64,
    events: u64,
    offset: u64,
    passed_over: PassedOver,
    flows_evicted: u64,
    flows_expired: u64,
}

/// What a [`PacketCapture`] tells besides its events, while a pipeline owns it: up to date after
/// each batch of events.
#[derive(Clone, Debug)]
pub struct PacketReport {
    counted: Arc<Mutex<Counted>>,
}

impl PacketReport {
    /// Packets read so far.
    pub fn packets(&self) -> u64 {
        self.counted().packets
    }

    /// Events given so far.
    pub fn events(&self) -> u64 {
        self.counted().events
    }

    /// Bytes read so far, after decompression.
    pub fn offset(&self) -> u64 {
        self.counted().offset
    }

    /// Packets that were passed over: why, how many. Those that are read and tell nothing new, such
    /// as an acknowledgment, are not among them.
    pub fn passed_over(&self) -> BTreeMap<&'static str, u64> {
        self.counted().passed_over.by_name()
    }

    /// Flows that were forgotten because there were too many: if one goes on, it counts as one
    /// whose beginning was not captured.
    pub fn flows_evicted(&self) -> u64 {
        self.counted().flows_evicted
    }

    /// Flows that were forgotten because nothing came for too long.
    pub fn flows_expired(&self) -> u64 {
        self.counted().flows_expired
    }

    /// Nothing that holds the lock can panic.
    fn counted(&self) -> MutexGuard<'_, Counted> {
        self.counted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

static PROVIDES: LazyLock<FieldSet> = LazyLock::new(|| {
    let context = [field::CTX_NUMBER, field::CTX_SOCK_TYPE, field::CTX_SOCK_PROTOCOL];
    context.into_iter().chain([field::FD_IS_SERVER, field::FD_NAME_CHANGED]).collect()
});

static PRODUCES: LazyLock<KindSet> =
    LazyLock::new(|| [kind::CONNECT, kind::ACCEPT4, kind::SENDTO].into_iter().collect());

impl PacketCapture {
    /// Reads a stream, compressed or not.
    ///
    /// # Errors
    ///
    /// Where its first bytes cannot be read.
    pub fn new(
        stream: impl Read + Send + 'static,
        options: PacketOptions,
    ) -> Result<Self, CaptureError> {
        Input::open(stream).map(|input| Self::of(input, options))
    }

    fn of(input: Input, options: PacketOptions) -> Self {
        let PacketOptions { snap_length, flows, idle } = options;
        let idle = u64::try_from(idle.as_nanos()).unwrap_or(u64::MAX);
        Self {
            packets: Packets::new(input),
            flows: Flows::new(Limits { flows, idle }),
            snap_length,
            waiting: None,
            counted: Counted::default(),
            report: Arc::default(),
            ended: false,
        }
    }

    /// What this capture tells besides its events, for when a pipeline owns it.
    pub fn report(&self) -> PacketReport {
        PacketReport { counted: Arc::clone(&self.report) }
    }

    fn next(
        &mut self,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, CaptureError> {
        let Self { packets, flows, snap_length, waiting, counted, ended, .. } = self;
        if let Some((told, data)) = waiting.take() {
            return Ok(each(&PacketEvent { told, data: &data }));
        }
        let Some(packet) = packets.next()? else {
            *ended = true;
            return Ok(ControlFlow::Break(()));
        };
        counted.packets += 1;
        let segment = packet.link.ip(packet.data).and_then(|ip| {
            let before = (packet.data.len() - ip.len()) as u32;
            Segment::of(ip, packet.length.saturating_sub(before))
        });
        let segment = match segment {
            Ok(segment) => segment,
            Err(passed) => {
                counted.passed_over.add(passed);
                return Ok(ControlFlow::Continue(()));
            }
        };
        let seen = flows.see(&segment, packet.time.as_nanos());
        let Seen { step, data, repeated, by_server, is_first } = seen;
        if repeated {
            counted.passed_over.add(Passed::Repeated);
        }
        let Segment { source, destination, payload, .. } = segment;
        let (client, server) =
            if by_server { (destination, source) } else { (source, destination) };
        let told = Told {
            act: Act::Sent(0),
            time: packet.time,
            number: counted.packets,
            is_tcp: matches!(segment.transport, Transport::Tcp(_)),
            client,
            server,
            by_server,
            is_named: is_first,
        };
        let step = step.map(|step| {
            let told = Told { act: Act::Step(step), is_named: true, ..told };
            // Whose connection was answered or refused is the client, who did not send that.
            Told { by_server: step == Step::Accepted, ..told }
        });
        let sent = data.map(|(start, length)| {
            let new = payload.get(start as usize..).unwrap_or_default();
            let new = new.get(..(length as usize).min(*snap_length)).unwrap_or(new);
            let is_named = is_first && step.is_none();
            (Told { act: Act::Sent(length), is_named, ..told }, new)
        });
        counted.events += u64::from(step.is_some()) + u64::from(sent.is_some());
        let flow = match step {
            Some(told) => each(&PacketEvent { told, data: &[] }),
            None => ControlFlow::Continue(()),
        };
        Ok(match sent {
            Some((told, data)) if flow.is_continue() => each(&PacketEvent { told, data }),
            Some((told, data)) => {
                *waiting = Some((told, data.to_vec()));
                flow
            }
            None => flow,
        })
    }
}

impl Source for PacketCapture {
    fn provides(&self) -> &FieldSet {
        &PROVIDES
    }

    fn produces(&self) -> Option<&KindSet> {
        Some(&PRODUCES)
    }

    fn subscribe(&mut self, _: &Interest) -> Result<(), SourceError> {
        Ok(())
    }

    fn read(
        &mut self,
        _: Duration,
        each: &mut dyn FnMut(&dyn Event) -> ControlFlow<()>,
    ) -> Result<Flow, SourceError> {
        let mut result = Ok(ControlFlow::Continue(()));
        for _ in 0..PACKETS_PER_READ {
            if self.ended || !matches!(result, Ok(ControlFlow::Continue(()))) {
                break;
            }
            result = self.next(each);
        }
        let Self { packets, flows, counted, .. } = self;
        counted.offset = packets.offset();
        (counted.flows_evicted, counted.flows_expired) = (flows.evicted(), flows.expired());
        *self.report().counted() = self.counted.clone();
        match result {
            Err(error) => {
                self.ended = true;
                Err(SourceError::new("the capture cannot be read on").caused_by(error))
            }
            Ok(_) if self.ended => Ok(Flow::End),
            Ok(_) => Ok(Flow::More),
        }
    }

    /// Packets that contradict themselves.
    fn losses(&self) -> Losses {
        let malformed = self.counted.passed_over.malformed();
        let mut losses = Losses::default();
        let account = losses.stream("packets");
        account.produced = self.counted.packets;
        account.processed = self.counted.packets - malformed;
        account.lose(LossReason::Malformed, malformed);
        losses
    }

    fn stop(&mut self) -> Result<(), SourceError> {
        self.ended = true;
        Ok(())
    }
}
