//! Flows: who of two ends is the client, how far a connection is, and what was sent before.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;

use super::segment::{Segment, Tcp, Transport};
use super::stream::Stream;

/// All flows that packets are of, those that had none for longest forgotten.
#[derive(Debug)]
pub(super) struct Flows {
    flows: HashMap<FlowKey, Flow>,
    /// By when they had their last packet, counted in packets.
    by_use: BTreeMap<u64, FlowKey>,
    uses: u64,
    limits: Limits,
    evicted: u64,
    expired: u64,
}

/// Bounds of the table.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) flows: usize,
    /// Nanoseconds without a packet.
    pub(super) idle: u64,
}

/// What a segment tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) step: Option<Step>,
    /// What is new of the data: where it begins in the segment, and how long it is.
    pub(super) data: Option<(u32, u32)>,
    /// It told only what was told before.
    pub(super) repeated: bool,
    /// Whether the sender is the server.
    pub(super) by_server: bool,
    /// Whether nothing was told of the flow before.
    pub(super) is_first: bool,
}

/// A step of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Connected,
    Refused,
    Accepted,
}

/// Both ends, the lesser address first, so that both directions have one key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct FlowKey {
    is_tcp: bool,
    ends: [SocketAddr; 2],
}

#[derive(Debug)]
struct Flow {
    used: u64,
    /// When it had its last packet.
    at: u64,
    /// Which end is the client.
    client: usize,
    stage: Stage,
    is_told: bool,
    /// What each end sent.
    streams: [Stream; 2],
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The client asked.
    Asked,
    /// The server answered.
    Answered,
    /// There are no more steps, or its beginning was not captured.
    Settled,
}

impl Flows {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            flows: HashMap::new(),
            by_use: BTreeMap::new(),
            uses: 0,
            limits,
            evicted: 0,
            expired: 0,
        }
    }

    /// Flows that were forgotten because there were too many.
    pub(super) fn evicted(&self) -> u64 {
        self.evicted
    }

    /// Flows that were forgotten because nothing came for long.
    pub(super) fn expired(&self) -> u64 {
        self.expired
    }

    /// Takes in a segment that was captured at this time, in nanoseconds.
    pub(super) fn see(&mut self, segment: &Segment<'_>, now: u64) -> Seen {
        self.expire(now);
        let Segment { source, destination, transport, length, .. } = *segment;
        let is_tcp = matches!(transport, Transport::Tcp(_));
        let sender = usize::from(source > destination);
        let ends = if sender == 0 { [source, destination] } else { [destination, source] };
        let key = FlowKey { is_tcp, ends };
        let known = self.flows.get_mut(&key);
        let (begun, mut seen) = match transport {
            Transport::Tcp(tcp) => follow(known, sender, segment, &tcp),
            Transport::Udp if known.is_some() => (None, Seen::default()),
            Transport::Udp => (Some(Flow::found(sender, segment)), Seen::default()),
        };
        if let Some(flow) = begun {
            self.insert(key, flow);
        }
        let Some(flow) = self.flows.get_mut(&key) else { return seen };
        self.uses += 1;
        self.by_use.remove(&flow.used);
        self.by_use.insert(self.uses, key);
        (flow.used, flow.at) = (self.uses, now);
        match transport {
            Transport::Udp => seen.data = Some((0, length)),
            Transport::Tcp(tcp) if length > 0 && !tcp.rst => {
                let start = tcp.sequence.wrapping_add(tcp.syn.into());
                seen.data = flow.streams[sender].take(start, length);
                seen.repeated |= seen.data.is_none() && seen.step.is_none();
            }
            Transport::Tcp(_) => {}
        }
        seen.by_server = sender != flow.client;
        if seen.step.is_some() || seen.data.is_some() {
            seen.is_first = !std::mem::replace(&mut flow.is_told, true);
        }
        seen
    }

    fn insert(&mut self, key: FlowKey, flow: Flow) {
        if let Some(old) = self.flows.remove(&key) {
            self.by_use.remove(&old.used);
        }
        while self.flows.len() >= self.limits.flows {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.flows.remove(&oldest);
            self.evicted += 1;
        }
        self.flows.insert(key, flow);
    }

    /// Forgets flows that had no packet for too long.
    fn expire(&mut self, now: u64) {
        while let Some(oldest) = self.by_use.first_entry() {
            let at = self.flows.get(oldest.get()).map_or(0, |flow| flow.at);
            if now.saturating_sub(at) <= self.limits.idle {
                break;
            }
            self.flows.remove(&oldest.remove());
            self.expired += 1;
        }
    }
}

/// What a segment of TCP does to its flow, or the flow that it begins.
fn follow(
    known: Option<&mut Flow>,
    sender: usize,
    segment: &Segment<'_>,
    tcp: &Tcp,
) -> (Option<Flow>, Seen) {
    let step = |step| (None, Seen { step: Some(step), ..Seen::default() });
    let nothing = (None, Seen::default());
    let repeated = (None, Seen { repeated: true, ..Seen::default() });
    let Tcp { sequence, acknowledgment, syn, ack, rst } = *tcp;
    let Some(flow) = known else {
        return match (syn, ack, rst) {
            (.., true) => nothing,
            (true, ..) => (Some(Flow::begun(sender, tcp)), Seen::default()),
            // Of a connection that goes on only data tells.
            _ if segment.length == 0 => nothing,
            _ => (Some(Flow::found(sender, segment)), Seen::default()),
        };
    };
    let is_client = sender == flow.client;
    let answers = ack && flow.streams[flow.client].acknowledges(acknowledgment);
    if rst {
        let refused = flow.stage == Stage::Asked && !is_client && answers;
        if refused || flow.stage == Stage::Answered || is_client {
            flow.stage = Stage::Settled;
        }
        return if refused { step(Step::Refused) } else { nothing };
    }
    if syn {
        let stream = &mut flow.streams[sender];
        if stream.begins_with(sequence) {
            return if segment.length == 0 { repeated } else { nothing };
        }
        return match (flow.stage, is_client, ack) {
            (Stage::Asked, false, true) if answers => {
                stream.begin(sequence);
                flow.stage = Stage::Answered;
                step(Step::Connected)
            }
            // Both ask, or the answer is to something else.
            (Stage::Asked, false, _) => nothing,
            // The same ports again.
            _ => (Some(Flow::begun(sender, tcp)), Seen::default()),
        };
    }
    let server = &flow.streams[1 - flow.client];
    if ack && flow.stage == Stage::Answered && is_client && server.is_begun_at(acknowledgment) {
        flow.stage = Stage::Settled;
        return step(Step::Accepted);
    }
    nothing
}

impl Flow {
    /// By its first packet, or the answer to that.
    fn begun(sender: usize, tcp: &Tcp) -> Self {
        let mut flow = match tcp.ack {
            false => Self::new(sender, Stage::Asked),
            true => Self::new(1 - sender, Stage::Settled),
        };
        flow.streams[sender].begin(tcp.sequence);
        flow
    }

    /// By a packet that does not say who began. A low port is a server's, as far as ports tell. Else
    /// who is seen first is taken for the client: with datagrams that is who began, most likely.
    fn found(sender: usize, segment: &Segment<'_>) -> Self {
        let is_tcp = matches!(segment.transport, Transport::Tcp(_));
        let rank = |end: SocketAddr| match end.port() {
            // Privileged; from Linux's `ip_local_port_range` clients have theirs.
            ..1024 => 0,
            1024..32_768 if is_tcp => 1,
            _ => 2,
        };
        let sender_serves = rank(segment.source) < rank(segment.destination);
        Self::new(if sender_serves { 1 - sender } else { sender }, Stage::Settled)
    }

    fn new(client: usize, stage: Stage) -> Self {
        let streams = [Stream::default(), Stream::default()];
        Self { used: 0, at: 0, client, stage, is_told: false, streams }
    }
}
