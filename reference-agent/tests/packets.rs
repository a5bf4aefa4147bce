//! Network rules on packet captures, and what else the verbs say of them.
#![forbid(unsafe_code)]

mod program;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::program::{code, stderr, stdout};

/// A capture that the tests of k8srd-capture write.
fn sample(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/packets").join(name);
    path.to_str().unwrap().to_owned()
}

/// Macros as Falco's rules have them.
const RULES: &str = r#"
- list: rfc_1918_addresses
  items: ['"10.0.0.0/8"', '"172.16.0.0/12"', '"192.168.0.0/16"']

- macro: outbound
  condition: >
    ((evt.type = connect or
      (evt.type in (sendto,sendmsg) and
       fd.l4proto != tcp and fd.connected=false and fd.name_changed=true)) and
     (fd.typechar = 4 or fd.typechar = 6) and
     (fd.ip != "0.0.0.0" and fd.net != "127.0.0.0/8" and not fd.snet in (rfc_1918_addresses)) and
     (evt.rawres >= 0 or evt.res = EINPROGRESS))

- macro: inbound
  condition: >
    (evt.type in (accept,accept4,listen) and
     (fd.typechar = 4 or fd.typechar = 6) and
     (fd.ip != "0.0.0.0" and fd.net != "127.0.0.0/8") and
     (evt.rawres >= 0 or evt.res = EINPROGRESS))

- rule: Outbound
  desc: d
  condition: outbound and fd.sip in ("9.9.9.9", "93.184.216.34")
  output: to %fd.sip:%fd.sport by %fd.l4proto from %fd.lip | process=%proc.name container=%container.id
  priority: NOTICE

- rule: SSH from outside
  desc: d
  condition: inbound and fd.sport = 22 and fd.is_server = true
  output: from %fd.cip to %fd.lport | %evt.rawres %evt.res
  priority: WARNING

- rule: Telnet tried
  desc: d
  condition: evt.type = connect and evt.res = ECONNREFUSED and fd.sport = 23
  output: by %fd.cip | %evt.rawres
  priority: NOTICE

- rule: Secret sent
  desc: d
  condition: evt.type = sendto and evt.buffer contains "secret" and fd.sport = 4444
  output: to %fd.name | %evt.num %evt.arg.data %evt.buflen %evt.category cpu=%evt.cpu fd=%fd.name_changed
  priority: CRITICAL

- rule: Shell
  desc: d
  condition: outbound and proc.name = bash
  output: shell
  priority: CRITICAL
"#;

struct Folder {
    folder: tempfile::TempDir,
    rules: PathBuf,
}

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rules = folder.path().join("rules.yaml");
        fs::write(&rules, RULES).unwrap();
        Self { folder, rules }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn replay(&self, args: &[&str]) -> Output {
        k8srd(&[&["replay", "-r", self.rules.to_str().unwrap()], args].concat())
    }
}

fn k8srd(args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_k8srd"));
    command.args(args).env("TZ", "UTC").env("FALCO_HOSTNAME", "node1").output().unwrap()
}

const ALERTS: &str = "\
22:13:20.000000000: Notice to 9.9.9.9:53 by udp from 10.0.0.5 | process=<NA> container=<NA>
22:13:23.000003000: Notice to 93.184.216.34:443 by tcp from 10.0.0.5 | process=<NA> container=<NA>
22:13:28.000008000: Notice by 203.0.113.7 | -111
22:13:31.000011000: Warning from 2001:db8::7 to 22 | 0 SUCCESS
22:13:34.000014000: Critical to 10.0.0.5:50003->198.51.100.9:4444 | 15 GET /secret 11 net cpu=<NA> fd=true
";

#[test]
fn rules_of_the_network_find_what_packets_tell() {
    let folder = Folder::new();
    let output = folder.replay(&[&sample("sample.pcap"), "--stats"]);
    assert_eq!((code(&output), stdout(&output).as_str()), (0, ALERTS));
    let said = stderr(&output);
    assert!(
        said.contains("rule \"Shell\" cannot fire\n  because nobody answers proc.name"),
        "{said}"
    );
    assert!(!said.contains("\"Telnet tried\""), "{said}");
    assert!(said.contains("13 events in "), "{said}");
    assert!(said.ends_with("16 packets, 0 of them passed over\n"), "{said}");

    // The same on two interfaces with clocks of their own, and once more.
    let output = folder.replay(&[&sample("sample.pcapng"), &sample("sample.pcap")]);
    let text = stdout(&output);
    assert_eq!(text.lines().count(), 10, "{text}");
    assert!(text.starts_with(&ALERTS[..ALERTS.find('\n').unwrap()]), "{text}");
    assert_eq!(stderr(&output).matches("\"Shell\" cannot fire").count(), 1, "told once");
}

#[test]
fn an_alert_as_json_has_null_for_what_no_packet_tells() {
    let output = Folder::new().replay(&[&sample("sample.pcap"), "--json"]);
    let text = stdout(&output);
    let alert: Value = serde_json::from_str(text.lines().nth(1).unwrap()).unwrap();
    assert_eq!(alert["rule"], "Outbound");
    assert_eq!(alert["hostname"], "node1");
    assert_eq!(
        alert["output_fields"],
        json!({
            "container.id": null,
            "evt.time": 1_700_000_003_000_003_000_u64,
            "fd.l4proto": "tcp",
            "fd.lip": "10.0.0.5",
            "fd.sip": "93.184.216.34",
            "fd.sport": 443,
            "proc.name": null,
        })
    );
}

#[test]
fn events_are_printed_with_the_numbers_of_packets() {
    let output =
        k8srd(&["events", &sample("sample.pcap"), "-f", "fd.sport = 443", "--snaplen", "3"]);
    assert_eq!(stderr(&output), "");
    assert_eq!(
        stdout(&output),
        "\
4 22:13:23.000003000 tcp < connect res=0 tuple=10.0.0.5:50000->93.184.216.34:443 fd=<NA> addr=93.184.216.34:443
5 22:13:24.000004000 tcp < accept4 fd=<NA> tuple=10.0.0.5:50000->93.184.216.34:443 queuepct=<NA> queuelen=<NA> queuemax=<NA> flags=<NA>
6 22:13:25.000005000 tcp < sendto res=11 data=GET fd=<NA> size=11 tuple=10.0.0.5:50000->93.184.216.34:443
7 22:13:26.000006000 tcp < sendto res=6 data=200 fd=<NA> size=6 tuple=93.184.216.34:443->10.0.0.5:50000
"
    );
    let output = k8srd(&["events", &sample("sample.pcapng"), "--json", "-f", "evt.type = accept4"]);
    let text = stdout(&output);
    let event: Value = serde_json::from_str(text.lines().next().unwrap()).unwrap();
    assert_eq!((&event["num"], &event["cpu"]), (&json!(5), &Value::Null));
    assert_eq!((&event["process"]["name"], &event["args"]["fd"]), (&Value::Null, &Value::Null));
}

#[test]
fn what_is_no_capture_is_refused_and_what_is_cut_is_judged_up_to_there() {
    let folder = Folder::new();
    let zip = folder.write("trace.zip", b"PK\x03\x04");
    for verb in ["replay", "events"] {
        let output = k8srd(&[verb, &zip]);
        assert_eq!(code(&output), 1);
        let said = stderr(&output);
        let says = "block 0 at byte 0: it is neither a .scap capture of events nor a packet capture \
                    (.pcap, .pcapng), plain or compressed by gzip: it begins with 50 4b 03 04";
        assert!(said.contains(says), "{said}");
    }
    let whole = fs::read(sample("sample.pcap")).unwrap();
    let cut = folder.write("cut.pcap", &whole[..whole.len() - 1]);
    let output = folder.replay(&[&cut]);
    assert_eq!((code(&output), stdout(&output).as_str()), (1, ALERTS));
    let said = stderr(&output);
    assert!(said.ends_with("the capture ends within a packet\n"), "{said}");
}
