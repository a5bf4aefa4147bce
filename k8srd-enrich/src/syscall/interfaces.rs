//! Addresses of the machine: which end of a connection is on it. Facts:
//! `userspace/libsinsp/ifinfo.cpp` of falcosecurity/libs.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::descriptor::Ends;

/// The addresses that interfaces had when a recording began.
#[derive(Debug, Default)]
pub(super) struct Interfaces {
    v4: Vec<Interface>,
    v6: Vec<Ipv6Addr>,
}

#[derive(Debug)]
struct Interface {
    address: Ipv4Addr,
    netmask: Ipv4Addr,
}

/// Most addresses that are kept; no machine has more, and none is looked for long.
const MOST: usize = 4_096;

impl Interfaces {
    /// Learns of an address; one of IPv6 needs no mask.
    pub(super) fn add(&mut self, address: IpAddr, netmask: Option<IpAddr>) {
        if self.v4.len() + self.v6.len() >= MOST {
            return;
        }
        match (address, netmask) {
            (IpAddr::V4(address), Some(IpAddr::V4(netmask))) => {
                self.v4.push(Interface { address, netmask });
            }
            (IpAddr::V4(address), _) => {
                self.v4.push(Interface { address, netmask: Ipv4Addr::BROADCAST });
            }
            (IpAddr::V6(address), _) => self.v6.push(address),
        }
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Whether an interface has this address. Of IPv6 the network is enough, as for Falco, which
    /// takes its first 64 bits.
    pub(super) fn have(&self, ip: IpAddr) -> bool {
        match ip {
            IpAddr::V4(ip) => self.v4.iter().any(|own| own.address == ip),
            IpAddr::V6(ip) => self.v6.iter().any(|&own| network(own) == network(ip)),
        }
    }

    /// Fills in an address that is unspecified, if the other is not: the one that this machine
    /// would use.
    pub(super) fn complete(&self, ends: &mut Ends) {
        let Ends::Two { source, destination } = ends else { return };
        let (empty, other) = match (source.ip.is_unspecified(), destination.ip.is_unspecified()) {
            (false, false) => return,
            (true, _) => (source, *destination),
            (false, true) => (destination, *source),
        };
        let Some(ip) = self.towards(other.ip) else { return };
        // A socket is not connected to itself.
        if ip != other.ip || empty.port != other.port {
            empty.ip = ip;
        }
    }

    /// The address that itself is meant, else one of the same network, else the first that is not
    /// the loopback's.
    fn towards(&self, ip: IpAddr) -> Option<IpAddr> {
        match ip {
            IpAddr::V4(ip) => {
                let masked = |ip: Ipv4Addr, by: &Interface| u32::from(ip) & u32::from(by.netmask);
                let same = self.v4.iter().find(|own| own.address == ip);
                let near =
                    || self.v4.iter().find(|own| masked(own.address, own) == masked(ip, own));
                let any = || self.v4.iter().find(|own| own.address != Ipv4Addr::LOCALHOST);
                let found = same.or_else(near).or_else(any)?;
                Some(found.address.into())
            }
            IpAddr::V6(ip) => {
                let same = self.v6.iter().find(|&&own| own == ip);
                let near = || self.v6.iter().find(|&&own| network(own) == network(ip));
                let any = || self.v6.iter().find(|&&own| own != Ipv6Addr::LOCALHOST);
                same.or_else(near).or_else(any).map(|&found| found.into())
            }
        }
    }
}

fn network(ip: Ipv6Addr) -> u128 {
    u128::from(ip) >> 64
}

#[cfg(test)]
mod tests {
    use super::super::descriptor::End;
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn machine() -> Interfaces {
        let mut all = Interfaces::default();
        all.add(ip("127.0.0.1"), Some(ip("255.0.0.0")));
        all.add(ip("10.0.0.7"), Some(ip("255.255.255.0")));
        all.add(ip("192.168.1.7"), Some(ip("255.255.255.0")));
        all.add(ip("2001:db8::7"), None);
        all
    }

    #[test]
    fn own_addresses_and_networks() {
        let own = machine();
        assert!(own.have(ip("10.0.0.7")) && !own.have(ip("10.0.0.8")));
        assert!(own.have(ip("2001:db8::8")) && !own.have(ip("2001:db8:0:1::7")));
    }

    #[test]
    fn an_unspecified_end_is_filled_in() {
        let completed = |from: &str, to: &str| {
            let end = |text: &str| End::from(text.parse::<std::net::SocketAddr>().unwrap());
            let mut ends = Ends::Two { source: end(from), destination: end(to) };
            machine().complete(&mut ends);
            match ends {
                Ends::Two { source, destination } => (source.ip, destination.ip),
                _ => unreachable!(),
            }
        };
        let is = |from: &str, to: &str| (ip(from), ip(to));
        assert_eq!(completed("0.0.0.0:1", "10.0.0.9:2"), is("10.0.0.7", "10.0.0.9"));
        assert_eq!(completed("0.0.0.0:1", "8.8.8.8:2"), is("10.0.0.7", "8.8.8.8"));
        assert_eq!(completed("10.0.0.9:1", "0.0.0.0:2"), is("10.0.0.9", "10.0.0.7"));
        assert_eq!(completed("0.0.0.0:1", "10.0.0.7:1"), is("0.0.0.0", "10.0.0.7"), "itself");
        assert_eq!(completed("1.1.1.1:1", "2.2.2.2:2"), is("1.1.1.1", "2.2.2.2"));
        assert_eq!(completed("[::]:1", "[2001:db8::9]:2"), is("2001:db8::7", "2001:db8::9"));
    }
}
