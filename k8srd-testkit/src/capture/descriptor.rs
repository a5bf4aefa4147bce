//! Descriptors that are open when a recording begins.

use std::net::SocketAddr;

use k8srd_capture::{Descriptor, DescriptorRow};

/// Falco's numbers of protocols (`SCAP_L4_*`) and of types of descriptors (`SCAP_FD_*`).
const TCP: u8 = 2;
const UDP: u8 = 3;
const DIRECTORY: u8 = 2;
const PIPE: u8 = 7;

/// A descriptor of a process that was there when the recording began.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestDescriptor {
    of: Of,
    ino: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Of {
    File(Vec<u8>, u32),
    Socket(SocketAddr, SocketAddr, u8),
    Server(SocketAddr, u8),
    Unix(u64, u64, Vec<u8>),
    Other(u8, Vec<u8>),
}

impl TestDescriptor {
    /// A file, open for reading and writing.
    pub fn file(path: &str) -> Self {
        /// Falco's `O_RDWR`.
        const READ_WRITE: u32 = 3;
        Self::of(Of::File(path.into(), READ_WRITE))
    }

    /// A directory.
    pub fn directory(path: &str) -> Self {
        Self::other(DIRECTORY, path)
    }

    /// A pipe.
    pub fn pipe() -> Self {
        Self::other(PIPE, "")
    }

    /// A connection by TCP, from the client to the server.
    pub fn tcp(client: SocketAddr, server: SocketAddr) -> Self {
        Self::of(Of::Socket(client, server, TCP))
    }

    /// A connection by UDP, from the client to the server.
    pub fn udp(client: SocketAddr, server: SocketAddr) -> Self {
        Self::of(Of::Socket(client, server, UDP))
    }

    /// A TCP socket that takes connections.
    pub fn tcp_server(address: SocketAddr) -> Self {
        Self::of(Of::Server(address, TCP))
    }

    /// A bound UDP socket.
    pub fn udp_server(address: SocketAddr) -> Self {
        Self::of(Of::Server(address, UDP))
    }

    /// A UNIX socket: its ends by their address in the kernel, and the path of the server.
    pub fn unix(source: u64, destination: u64, path: &str) -> Self {
        Self::of(Of::Unix(source, destination, path.into()))
    }

    /// Anything else: Falco's number of the type (`SCAP_FD_*`) and a name.
    pub fn other(ty: u8, name: &str) -> Self {
        Self::of(Of::Other(ty, name.into()))
    }

    /// Its inode number, which is 0 unless told.
    #[must_use]
    pub fn ino(self, ino: u64) -> Self {
        Self { ino, ..self }
    }

    fn of(of: Of) -> Self {
        Self { of, ino: 0 }
    }

    pub(super) fn row(&self, tid: i64, fd: i64) -> DescriptorRow<'_> {
        let of = match &self.of {
            Of::File(path, open_flags) => {
                Descriptor::File { open_flags: *open_flags, path, dev: Some(0) }
            }
            Of::Socket(source, destination, l4proto) => {
                Descriptor::Socket { source: *source, destination: *destination, l4proto: *l4proto }
            }
            Of::Server(address, l4proto) => {
                Descriptor::Server { address: *address, l4proto: *l4proto }
            }
            Of::Unix(source, destination, path) => {
                Descriptor::Unix { source: *source, destination: *destination, path }
            }
            Of::Other(kind, name) => Descriptor::Other { kind: *kind, name },
        };
        DescriptorRow::new(tid, fd, self.ino, of)
    }
}
