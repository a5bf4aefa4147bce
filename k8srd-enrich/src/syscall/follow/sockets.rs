//! Sockets: what they are bound and connected to, and whom datagrams come from and go to.

use std::net::IpAddr;
use std::sync::Arc;

use k8srd_core::value::{SocketAddress, SocketTuple, Value};

use super::super::args;
use super::super::descriptor::{
    self, Descriptor, End, Ends, Role, Transport, Type, open_flag, unmapped_ip,
};
use super::super::interfaces::Interfaces;
use super::super::kinds;
use super::entries::Entry;
use super::{Call, Followed, replace};

const EINPROGRESS: i64 = 115;

/// Families of sockets, as Falco numbers them.
mod family {
    pub(super) const UNIX: u64 = 1;
    pub(super) const INET: u64 = 2;
    pub(super) const INET6: u64 = 10;
    pub(super) const NETLINK: u64 = 16;
}

impl Followed {
    pub(super) fn socket(&mut self, call: &Call<'_>) {
        let Some(fd) = call.result() else { return };
        let ty = match call.uint(1) {
            family::UNIX => Type::Unix,
            family::INET => Type::Ipv4,
            family::INET6 => Type::Ipv6,
            family::NETLINK => Type::Netlink,
            _ => Type::Unknown,
        };
        let transport = Transport::of_socket(call.uint(2), call.uint(3));
        self.made(
            fd,
            Descriptor {
                transport: if ty.is_ip() { transport } else { Transport::Unknown },
                cloexec: call.uint(4) & open_flag::CLOEXEC != 0,
                ..Descriptor::of(ty)
            },
        );
    }

    /// The event is about the first, though the second is the number it tells.
    pub(super) fn socketpair(&mut self, call: &Call<'_>) {
        let (Some(_), Some(one), Some(other)) = (call.result(), call.int(1), call.int(2)) else {
            return;
        };
        if one == other {
            return;
        }
        let ends = Ends::Unix { source: call.uint(3), destination: call.uint(4) };
        let socket = Arc::new(Descriptor { ends, ..Descriptor::of(Type::Unix) });
        self.put(one, Arc::clone(&socket));
        self.put(other, socket);
        self.now.place = Some(one);
    }

    /// A port makes it a server's socket.
    pub(super) fn bind(&mut self, call: &Call<'_>) {
        if call.result().is_none() {
            return;
        }
        let (Some((fd, _)), Some(Value::Addr(address))) = (self.used(call), call.value(1)) else {
            return;
        };
        self.change(fd, |socket| {
            if let SocketAddress::Inet(end) = address
                && end.port() > 0
            {
                let ip = unmapped_ip(end.ip()).unwrap_or(end.ip());
                socket.ty = if ip.is_ipv4() { Type::Ipv4Server } else { Type::Ipv6Server };
                socket.ends = Ends::Server(End { ip, port: end.port() });
                socket.role = Role::Server;
            }
            replace(&mut socket.name, args::address_text(address, call.arena));
        });
    }

    pub(super) fn connect(&mut self, tid: u32, call: &Call<'_>) {
        let result = call.int(0);
        let connects = result.is_some_and(|result| result >= 0 || result == -EINPROGRESS);
        let Some((fd, _)) = self.used(call).filter(|_| connects) else {
            self.entered(tid, call);
            return;
        };
        let Self { table, entries, now, .. } = self;
        let entry = entries.returned(tid, call.kind);
        table.change(now.pid, fd, |socket| {
            let old = Arc::clone(&socket.name);
            socket.connected = true;
            match call.value(1) {
                Some(Value::Tuple(tuple)) => connect_to(socket, tuple, entry, call),
                _ => connect_towards(socket, entry),
            }
            now.name_changed = old != socket.name;
        });
    }

    pub(super) fn accept(&mut self, call: &Call<'_>) {
        let Some(fd) = call.result() else { return };
        self.now.number = Some(fd);
        let Some(Value::Tuple(tuple)) = call.value(1) else { return };
        let mut socket = Descriptor {
            role: Role::Server,
            connected: true,
            name: args::tuple_text(tuple, call.arena).into(),
            cloexec: call.kind == kinds::ACCEPT4 && call.uint(5) & open_flag::CLOEXEC != 0,
            ..Descriptor::default()
        };
        match descriptor::unmapped(tuple) {
            SocketTuple::Inet { source, destination } => {
                socket.ty = type_of(source.ip());
                socket.transport = Transport::Tcp;
                socket.ends = Ends::Two { source: source.into(), destination: destination.into() };
            }
            SocketTuple::Unix { source, destination, .. } => {
                socket.ty = Type::Unix;
                socket.ends = Ends::Unix { source, destination };
            }
            _ => return,
        }
        self.made(fd, socket);
    }

    pub(super) fn receive(&mut self, call: &Call<'_>) {
        let place = match call.kind {
            kinds::RECVFROM => Some(2),
            kinds::RECVMSG => Some(3),
            kinds::RECV | kinds::RECVMMSG => Some(4),
            _ => None,
        };
        self.transfer(place, Role::Server, call);
    }

    pub(super) fn send(&mut self, call: &Call<'_>) {
        let place = match call.kind {
            kinds::SEND | kinds::SENDTO | kinds::SENDMSG | kinds::SENDMMSG => Some(4),
            _ => None,
        };
        if place.is_some() && call.kind != kinds::SENDMMSG {
            self.infer_socket(call);
        }
        self.transfer(place, Role::Client, call);
    }

    /// Who sends by a descriptor that nothing told of has a socket, most likely of UDP.
    fn infer_socket(&mut self, call: &Call<'_>) {
        let (Some(_), Some(fd)) = (call.result(), call.int(2)) else { return };
        if self.table.get(self.now.pid, fd).is_some() {
            return;
        }
        let Some(Value::Tuple(SocketTuple::Inet { source, .. })) = call.value(4) else { return };
        let ty = type_of(source.ip());
        self.made(fd, Descriptor { transport: Transport::Udp, ..Descriptor::of(ty) });
    }

    /// Bytes went through a descriptor. `guess` is who the process is if nothing says otherwise: a
    /// server begins by receiving.
    fn transfer(&mut self, tuple_place: Option<usize>, guess: Role, call: &Call<'_>) {
        if call.result().is_none() {
            return;
        }
        let Some((fd, socket)) = self.used(call) else { return };
        let connects = socket.ty.has_ends() && !socket.connected;
        let is_tcp = socket.ty == Type::Ipv4 && socket.transport == Transport::Tcp;
        let unnamed = socket.name.is_empty();
        let tuple = tuple_place.filter(|_| unnamed || !is_tcp).and_then(|place| call.value(place));
        let tuple = match tuple {
            Some(Value::Tuple(tuple)) if says_more(socket, tuple, call) => Some(tuple),
            _ => None,
        };
        if !connects && tuple.is_none() {
            return;
        }
        let Self { table, interfaces, now, .. } = self;
        table.change(now.pid, fd, |socket| {
            let old = Arc::clone(&socket.name);
            socket.connected |= connects;
            if let Some(tuple) = tuple {
                redirect(socket, tuple, guess, interfaces, call);
            }
            now.name_changed = old != socket.name;
        });
    }
}

fn type_of(ip: IpAddr) -> Type {
    if ip.is_ipv4() { Type::Ipv4 } else { Type::Ipv6 }
}

/// The socket is connected, and the kernel told both ends.
fn connect_to(
    socket: &mut Descriptor,
    tuple: SocketTuple<'_>,
    entry: Option<&Entry>,
    call: &Call<'_>,
) {
    let given = match call.value(3) {
        Some(Value::Addr(address)) => Some(address),
        _ => None,
    };
    match tuple {
        SocketTuple::Inet { source, destination } => {
            // Where the kernel's answer repeats what the program's memory says at the end, that
            // may be a lie, and what it said at the beginning is not.
            let same = given == Some(SocketAddress::Inet(destination));
            let at_entry = entry.and_then(|entry| entry.end).filter(|_| same);
            let (mut source, mut destination) =
                (End::from(source), at_entry.unwrap_or(destination.into()));
            if let (Some(from), Some(to)) = (unmapped_ip(source.ip), unmapped_ip(destination.ip)) {
                (source.ip, destination.ip) = (from, to);
            }
            let was_server = socket.role == Role::Server;
            socket.ty = type_of(source.ip);
            let changed = set_ends(&mut socket.ends, source, destination);
            if changed
                && was_server
                && socket.ty == Type::Ipv4
                && socket.transport == Transport::Udp
            {
                swap(&mut socket.ends);
            }
            let name = socket.name_of_ends(call.arena);
            replace(&mut socket.name, name);
        }
        SocketTuple::Unix { source, destination, path } if socket.ty == Type::Unix => {
            let same = given == Some(SocketAddress::Unix(path));
            let at_entry = entry.filter(|entry| same && entry.unix).map(|entry| &*entry.name);
            let path = at_entry.unwrap_or(path);
            socket.ends = Ends::Unix { source, destination };
            let tuple = SocketTuple::Unix { source, destination, path };
            replace(&mut socket.name, args::tuple_text(tuple, call.arena));
        }
        _ => return,
    }
    if socket.role == Role::None {
        socket.role = Role::Client;
    }
}

/// The socket is connected, and only the program told whereto.
fn connect_towards(socket: &mut Descriptor, entry: Option<&Entry>) {
    let Some(entry) = entry else { return };
    match entry.end {
        Some(end) => {
            let to = End { ip: unmapped_ip(end.ip).unwrap_or(end.ip), port: end.port };
            socket.ty = type_of(to.ip);
            let from = match socket.ends {
                Ends::Two { source, .. } if source.ip.is_ipv4() == to.ip.is_ipv4() => Some(source),
                _ => None,
            };
            let Ends::Two { source, .. } = Ends::unspecified(socket.ty) else { return };
            socket.ends = Ends::Two { source: from.unwrap_or(source), destination: to };
        }
        // What Falco writes where there is no tuple.
        None if entry.unix => replace(&mut socket.name, b"NULL"),
        None => {}
    }
}

/// Whether the tuple is another than what is known.
fn says_more(socket: &Descriptor, tuple: SocketTuple<'_>, call: &Call<'_>) -> bool {
    match (descriptor::unmapped(tuple), socket.ends) {
        (SocketTuple::Inet { source, destination }, ends) => {
            is_new(ends, source.into(), destination.into())
        }
        _ => *socket.name != *args::tuple_text(tuple, call.arena),
    }
}

/// A datagram, or a connection of which nothing was known, has these ends.
fn redirect(
    socket: &mut Descriptor,
    tuple: SocketTuple<'_>,
    guess: Role,
    interfaces: &Interfaces,
    call: &Call<'_>,
) {
    match descriptor::unmapped(tuple) {
        SocketTuple::Inet { source, destination } => {
            socket.ty = type_of(source.ip());
            set_ends(&mut socket.ends, source.into(), destination.into());
            // The peer of a TCP connection cannot change.
            if socket.transport == Transport::Unknown {
                socket.transport = Transport::Udp;
            }
            interfaces.complete(&mut socket.ends);
            if socket.role == Role::None {
                socket.role = if socket.ty == Type::Ipv4 { guess } else { Role::Client };
            }
            // The tuple runs from sender to receiver, a descriptor from client to server.
            let sender = if guess == Role::Server { Role::Client } else { Role::Server };
            if socket.role == sender {
                swap(&mut socket.ends);
            }
            let name = socket.name_of_ends(call.arena);
            replace(&mut socket.name, name);
        }
        SocketTuple::Unix { source, destination, .. } => {
            socket.ty = Type::Unix;
            socket.ends = Ends::Unix { source, destination };
            replace(&mut socket.name, args::tuple_text(tuple, call.arena));
        }
        _ => {}
    }
}

/// Takes over what is new, and says whether anything is. The same ends the other way round are not.
fn set_ends(ends: &mut Ends, source: End, destination: End) -> bool {
    if !is_new(*ends, source, destination) {
        return false;
    }
    *ends = Ends::Two { source, destination };
    true
}

fn is_new(ends: Ends, source: End, destination: End) -> bool {
    let reversed = Ends::Two { source: destination, destination: source };
    ends != reversed && ends != Ends::Two { source, destination }
}

fn swap(ends: &mut Ends) {
    if let Ends::Two { source, destination } = ends {
        std::mem::swap(source, destination);
    }
}
