//! Ports by the names of services.
//!
//! Conditions may name a service where a port is compared; the names are IANA's, so that a rule
//! means the same on every node whatever its `/etc/services` says.

/// The port of a service that is spoken over TCP, or else over UDP.
pub(super) fn port(name: &str) -> Option<u16> {
    let place = SERVICES.binary_search_by(|(own, _)| (*own).cmp(name)).ok()?;
    SERVICES.get(place).map(|(_, port)| *port)
}

/// All names.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SERVICES.iter().map(|(name, _)| *name)
}

/// By name.
static SERVICES: &[(&str, u16)] = &[
    ("amqp", 5672),
    ("amqps", 5671),
    ("auth", 113),
    ("bgp", 179),
    ("bootpc", 68),
    ("bootps", 67),
    ("chargen", 19),
    ("daytime", 13),
    ("dict", 2628),
    ("discard", 9),
    ("distcc", 3632),
    ("domain", 53),
    ("domain-s", 853),
    ("echo", 7),
    ("epmd", 4369),
    ("exec", 512),
    ("finger", 79),
    ("ftp", 21),
    ("ftp-data", 20),
    ("ftps", 990),
    ("ftps-data", 989),
    ("git", 9418),
    ("gopher", 70),
    ("gpsd", 2947),
    ("http", 80),
    ("http-alt", 8080),
    ("https", 443),
    ("imap", 143),
    ("imap2", 143),
    ("imaps", 993),
    ("ipp", 631),
    ("ircd", 6667),
    ("ircs-u", 6697),
    ("isakmp", 500),
    ("iscsi-target", 3260),
    ("kerberos", 88),
    ("kerberos-adm", 749),
    ("kpasswd", 464),
    ("l2tp", 1701),
    ("ldap", 389),
    ("ldaps", 636),
    ("login", 513),
    ("mdns", 5353),
    ("microsoft-ds", 445),
    ("ms-sql-m", 1434),
    ("ms-sql-s", 1433),
    ("ms-wbt-server", 3389),
    ("mysql", 3306),
    ("mysql-proxy", 6446),
    ("nbd", 10809),
    ("netbios-dgm", 138),
    ("netbios-ns", 137),
    ("netbios-ssn", 139),
    ("nfs", 2049),
    ("nntp", 119),
    ("nntps", 563),
    ("ntp", 123),
    ("openvpn", 1194),
    ("pop3", 110),
    ("pop3s", 995),
    ("postgresql", 5432),
    ("printer", 515),
    ("puppet", 8140),
    ("qotd", 17),
    ("radius", 1812),
    ("radius-acct", 1813),
    ("redis", 6379),
    ("rfb", 5900),
    ("rsync", 873),
    ("rtsp", 554),
    ("shell", 514),
    ("sieve", 4190),
    ("sip", 5060),
    ("sip-tls", 5061),
    ("smtp", 25),
    ("smtps", 465),
    ("smux", 199),
    ("snmp", 161),
    ("snmp-trap", 162),
    ("socks", 1080),
    ("ssh", 22),
    ("submission", 587),
    ("submissions", 465),
    ("sunrpc", 111),
    ("svn", 3690),
    ("syslog", 514),
    ("syslog-tls", 6514),
    ("systat", 11),
    ("tacacs", 49),
    ("telnet", 23),
    ("telnets", 992),
    ("tftp", 69),
    ("time", 37),
    ("tproxy", 8081),
    ("vnc", 5900),
    ("wais", 210),
    ("webcache", 8080),
    ("whois", 43),
    ("x11", 6000),
    ("xdmcp", 177),
    ("xmpp-client", 5222),
    ("xmpp-server", 5269),
    ("zabbix-agent", 10050),
    ("zabbix-trapper", 10051),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_is_found_by_its_name() {
        for (name, number) in SERVICES {
            assert_eq!(port(name), Some(*number), "{name} is out of order");
        }
        assert_eq!((port("ssh"), port("SSH"), port("")), (Some(22), None, None));
    }
}
