//! What a packet tells, as an event.

use std::net::SocketAddr;

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::{Event, Fields, Timestamp};
use k8srd_core::field::Key;
use k8srd_core::kind::EventKind;
use k8srd_core::value::{Lookup, SocketAddress, SocketTuple, Value};

use super::flow::Step;

/// The kinds that packets become.
pub(super) mod kind {
    use super::EventKind;

    pub(in super::super) const SENDTO: EventKind = EventKind(31);
    pub(in super::super) const ACCEPT4: EventKind = EventKind(389);
    pub(in super::super) const CONNECT: EventKind = EventKind::CONNECT;
}

/// All that an event tells but its data.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) act: Act,
    pub(super) time: Timestamp,
    /// Which packet of the capture, counted from 1 as tcpdump and Wireshark do.
    pub(super) number: u64,
    pub(super) is_tcp: bool,
    pub(super) client: SocketAddr,
    pub(super) server: SocketAddr,
    /// Whether it is the server that did it.
    pub(super) by_server: bool,
    /// Whether the socket has got its name by this.
    pub(super) is_named: bool,
}

/// What was done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Step(Step),
    /// So many bytes were sent.
    Sent(u32),
}

/// An event.
#[derive(Clone, Copy, Debug)]
pub(super) struct PacketEvent<'a> {
    pub(super) told: Told,
    pub(super) data: &'a [u8],
}

const ECONNREFUSED: i64 = 111;

/// `SOCK_*` and `IPPROTO_*`.
mod socket {
    pub(super) const TCP: (u64, u64) = (1, 6);
    pub(super) const UDP: (u64, u64) = (2, 17);
}

impl Event for PacketEvent<'_> {
    fn kind(&self) -> EventKind {
        match self.told.act {
            Act::Step(Step::Connected | Step::Refused) => kind::CONNECT,
            Act::Step(Step::Accepted) => kind::ACCEPT4,
            Act::Sent(_) => kind::SENDTO,
        }
    }

    fn time(&self) -> Timestamp {
        self.told.time
    }
}

impl Fields for PacketEvent<'_> {
    fn get<'a>(&'a self, key: &Key, _: &'a Arena) -> Lookup<Value<'a>> {
        let told = &self.told;
        let (socket_type, protocol) = if told.is_tcp { socket::TCP } else { socket::UDP };
        Lookup::Known(match key.field() {
            field::CTX_NUMBER => Value::U64(told.number),
            field::CTX_SOCK_TYPE => Value::U64(socket_type),
            field::CTX_SOCK_PROTOCOL => Value::U64(protocol),
            field::FD_IS_SERVER => Value::Bool(told.by_server),
            field::FD_NAME_CHANGED => Value::Bool(told.is_named),
            id => return id.as_param().and_then(|place| self.param(place)).into(),
        })
    }
}

impl<'a> PacketEvent<'a> {
    fn param(&self, place: u8) -> Option<Value<'a>> {
        let Told { act, client, server, by_server, .. } = self.told;
        let tuple = |source, destination| Value::Tuple(SocketTuple::Inet { source, destination });
        Some(match (act, place) {
            (Act::Step(Step::Connected), 0) => Value::I64(0),
            (Act::Step(Step::Refused), 0) => Value::I64(-ECONNREFUSED),
            (Act::Step(_), 1) => tuple(client, server),
            (Act::Step(Step::Connected | Step::Refused), 3) => {
                Value::Addr(SocketAddress::Inet(server))
            }
            (Act::Sent(size), 0) => Value::I64(size.into()),
            // Nothing of it was captured.
            (Act::Sent(1..), 1) if self.data.is_empty() => return None,
            (Act::Sent(_), 1) => Value::Bytes(self.data),
            (Act::Sent(size), 3) => Value::U64(size.into()),
            // From the sender to the receiver, whoever is the client.
            (Act::Sent(_), 4) if by_server => tuple(server, client),
            (Act::Sent(_), 4) => tuple(client, server),
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::kind::KindInfo;

    use super::*;

    #[test]
    fn kinds_have_their_params_at_these_places() {
        let params = |kind| {
            let info = KindInfo::of(kind).unwrap();
            let names = info.params.iter().map(|param| param.name).collect::<Vec<_>>();
            format!("{}: {}", info.name, names.join(" "))
        };
        assert_eq!(params(kind::CONNECT), "connect: res tuple fd addr");
        assert_eq!(params(kind::SENDTO), "sendto: res data fd size tuple");
        assert!(params(kind::ACCEPT4).starts_with("accept4: fd tuple "));
    }
}
