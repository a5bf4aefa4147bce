//! Connections that a source sees without processes and descriptors: packets.

use std::sync::LazyLock;

use k8srd_core::catalogue as field;
use k8srd_core::field::{FieldId, Key};
use k8srd_core::kind::EventKind;
use k8srd_core::set::FieldSet;
use k8srd_core::value::{SocketTuple, Value};

use super::Context;
use super::descriptor::{Role, unmapped};
use super::fd::Connected;
use super::kinds::{self, PARAMS};

/// What the source answers itself.
pub(super) const TAKEN: [FieldId; 2] = [field::FD_IS_SERVER, field::FD_NAME_CHANGED];

/// What can be told of a connection, and of calls. Not of processes, numbers and files.
pub(super) static PROVIDED: LazyLock<FieldSet> = LazyLock::new(|| {
    let socket = field::FD_IP..=field::FD_CONNECTED;
    // The last one is absent, and asked for wherever a text may hold a path.
    let named = [field::FD_TYPE, field::FD_TYPECHAR, field::FD_NAME, field::FD_REALPATH];
    let calls = field::EVT_OUTPUTTIME..=field::EVT_COUNT_EXIT;
    let told = |id: &FieldId| socket.contains(id) || named.contains(id) || calls.contains(id);
    let own = super::own().map(|info| info.id).filter(told);
    own.filter(|id| !TAKEN.contains(id) && *id != field::EVT_IS_SYSLOG).collect()
});

static IS_SERVER: Key = Key::of(field::FD_IS_SERVER);

impl<'a> Connected<'a> {
    /// The connection that the event is about, from client to server.
    pub(super) fn of_flow(context: Context<'a>) -> Option<Self> {
        let Context { event, arena, .. } = context;
        let is_server = event.get(&IS_SERVER, arena).known()?.as_bool()?;
        let sends = context.info.kind == kinds::SENDTO;
        let place = if sends { 4 } else { 1 };
        let Some(Value::Tuple(tuple)) = event.get(PARAMS.get(place)?, arena).known() else {
            return None;
        };
        let tuple = match unmapped(tuple) {
            SocketTuple::Inet { source, destination } if sends && is_server => {
                SocketTuple::Inet { source: destination, destination: source }
            }
            tuple => tuple,
        };
        let role = if is_server { Role::Server } else { Role::Client };
        let mut socket = Self::new(context, Some(tuple), None, role);
        socket.connected = match context.info.kind {
            EventKind::CONNECT => context.result()? >= 0,
            // Datagrams need no connection, and do not show whether there is one.
            _ if sends => socket.is_tcp(),
            _ => true,
        };
        Some(socket)
    }
}

#[cfg(test)]
mod tests {
    use k8srd_core::arena::Arena;
    use k8srd_core::enricher::{Enricher as _, Slot};
    use k8srd_testkit::event::TestEvent;
    use k8srd_testkit::value::TestValue;

    use super::super::SyscallFields;
    use super::*;

    const CLIENT: &str = "10.0.0.5:50000";
    const SERVER: &str = "93.184.216.34:443";

    fn tuple(source: &str, destination: &str) -> TestValue {
        TestValue::Tuple(source.parse().unwrap(), destination.parse().unwrap())
    }

    fn of_tcp(kind: &str, by_server: bool) -> TestEvent {
        let event = TestEvent::falco(kind).field("fd.is_server", by_server);
        event.field("ctx.sock.type", 1).field("ctx.sock.protocol", 6)
    }

    #[track_caller]
    fn check(event: &TestEvent, rows: &[(&str, Option<&str>)]) {
        let fields = SyscallFields::builder().flows().build();
        let arena = Arena::default();
        for (name, want) in rows {
            let info = field::FIELDS.iter().find(|info| info.name == *name).unwrap();
            let provided = fields.provides().contains(info.id);
            let key = Key::of(info.id);
            let value = fields.get(Slot(0), event, &key, &arena).known().filter(|_| provided);
            let value = value.map(|value| value.to_string());
            assert_eq!(value.as_deref(), *want, "{name}");
        }
    }

    #[test]
    fn data_of_a_server_is_of_the_connection_that_the_client_made() {
        let event = of_tcp("sendto", true).param("res", 5).param("tuple", tuple(SERVER, CLIENT));
        check(
            &event,
            &[
                ("fd.name", Some("10.0.0.5:50000->93.184.216.34:443")),
                ("fd.type", Some("ipv4")),
                ("fd.typechar", Some("4")),
                ("fd.l4proto", Some("tcp")),
                ("fd.cip", Some("10.0.0.5")),
                ("fd.sport", Some("443")),
                ("fd.lip", Some("93.184.216.34")),
                ("fd.rport", Some("50000")),
                ("fd.connected", Some("true")),
                ("evt.category", Some("net")),
                ("evt.buflen", Some("5")),
                ("evt.rawres", Some("5")),
                ("evt.cpu", None),
                ("fd.num", None),
                ("fd.containername", None),
                ("fd.dev", None),
            ],
        );
    }

    #[test]
    fn an_accepted_connection_has_no_number_and_did_not_fail() {
        let event = of_tcp("accept4", true).param("tuple", tuple(CLIENT, SERVER));
        check(
            &event,
            &[
                ("fd.name", Some("10.0.0.5:50000->93.184.216.34:443")),
                ("fd.lport", Some("443")),
                ("fd.connected", Some("true")),
                ("evt.rawres", Some("0")),
                ("evt.res", Some("SUCCESS")),
                ("evt.failed", Some("false")),
            ],
        );
    }

    #[test]
    fn a_refused_connection_has_both_ends() {
        let event = of_tcp("connect", false).param("res", -111);
        check(
            &event.param("tuple", tuple("[fd00::1]:50000", "[fd00::2]:22")),
            &[
                ("fd.sip", Some("fd00::2")),
                ("fd.typechar", Some("6")),
                ("fd.lip", Some("fd00::1")),
                ("fd.connected", Some("false")),
                ("evt.res", Some("ECONNREFUSED")),
            ],
        );
    }

    #[test]
    fn datagrams_show_no_connection() {
        let event = TestEvent::falco("sendto").field("fd.is_server", false);
        let event = event.field("ctx.sock.type", 2).field("ctx.sock.protocol", 17);
        let event = event.param("res", 9).param("tuple", tuple(CLIENT, "9.9.9.9:53"));
        check(&event, &[("fd.l4proto", Some("udp")), ("fd.connected", Some("false"))]);
    }
}
