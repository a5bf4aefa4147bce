//! What was written is read as what it was.

use std::fs;
use std::io::Cursor;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use k8srd_core::event::Timestamp;

use super::*;
use crate::reader::{Machine, Reader};
use crate::table::{Descriptor, GroupRow, InterfaceRow, ProcessRow, UserRow};

mod recorder;

/// An item as text: what two captures must have in common.
fn shown(item: &Item<'_>) -> String {
    match item {
        Item::Event(event) => shown_record(event),
        Item::Context(context) => format!("context {}", shown_record(&context.record())),
        Item::Omitted(omitted) => format!("omitted {}", shown_record(&omitted.record())),
        other => format!("{other:?}"),
    }
}

fn shown_record(event: &Record<'_>) -> String {
    let Record { time, tid, cpu, code, state_only, .. } = event;
    let params: Vec<_> = (0..event.len()).map(|place| event.param(place).unwrap()).collect();
    format!("{time:?} {tid} {cpu} {code} {state_only} {params:?}")
}

/// All items of a capture, handed on one by one.
fn read(bytes: Vec<u8>, each: &mut dyn FnMut(&Item<'_>)) {
    let mut reader = Reader::new(Cursor::new(bytes)).unwrap();
    while let Some(item) = reader.next().unwrap() {
        each(&item);
    }
}

fn items(bytes: Vec<u8>) -> Vec<String> {
    let mut items = Vec::new();
    read(bytes, &mut |item| items.push(shown(item)));
    items
}

fn written(all: &[Item<'_>]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new());
    all.iter().for_each(|item| writer.write(item).unwrap());
    writer.finish().unwrap()
}

#[track_caller]
fn check(all: &[Item<'_>]) {
    let mut expected = vec!["Section".to_owned()];
    expected.extend(all.iter().map(shown));
    assert_eq!(items(written(all)), expected);
}

fn event(code: u16, params: &[&[u8]]) -> RecordBuf {
    let mut event = RecordBuf::default();
    event.begin(Timestamp::from_nanos(7), 42, 1, code);
    params.iter().for_each(|param| event.push(param));
    event
}

fn process<'a>() -> ProcessRow<'a> {
    ProcessRow {
        tid: 10,
        pid: 9,
        ptid: 1,
        comm: b"sh",
        exe: b"/bin/sh",
        args: b"-c\0exit\0",
        cwd: b"/",
        fdlimit: 1024,
        uid: 1000,
        gid: 100,
        ..ProcessRow::default()
    }
}

#[test]
fn every_row_is_read_as_it_was_written() {
    let machine = Machine {
        cpus: 4,
        memory: 1 << 33,
        max_pid: 4_194_304,
        hostname: b"node7",
        boot_time: 1_700_000_000_000_000_000,
    };
    let (v4, v6) = (IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST));
    let speed = InterfaceRow { linkspeed: Some(1000), ..InterfaceRow::new(b"eth0", v6, v6, v6) };
    let user = UserRow { uid: 7, gid: 8, name: b"web", home: b"/srv", shell: b"/bin/sh" };
    let of = |of| Item::Descriptor(DescriptorRow { tid: 9, fd: 3, ino: 77, of });
    let (source, destination) = (SocketAddr::new(v4, 4000), SocketAddr::new(v4, 443));
    let six = SocketAddr::new(v6, 53);
    let close = event(5, &[&[0; 8], &[3, 0, 0, 0, 0, 0, 0, 0]]);
    check(&[
        Item::Machine(machine),
        Item::Interface(InterfaceRow::new(b"lo", v4, v4, v4)),
        Item::Interface(speed),
        Item::User(user),
        Item::Group(GroupRow { gid: 8, name: b"web" }),
        Item::Process(Box::new(process())),
        of(Descriptor::Socket { source, destination, l4proto: 2 }),
        of(Descriptor::Socket { source: six, destination: six, l4proto: 3 }),
        of(Descriptor::Server { address: source, l4proto: 2 }),
        of(Descriptor::Server { address: six, l4proto: 2 }),
        of(Descriptor::Unix { source: 1, destination: 2, path: b"/run/x" }),
        of(Descriptor::File { open_flags: 3, path: b"/etc/hosts", dev: Some(9) }),
        of(Descriptor::File { open_flags: 3, path: b"/etc/hosts", dev: None }),
        of(Descriptor::Other { kind: 7, name: b"pipe:[1]" }),
        of(Descriptor::Other { kind: 0, name: b"" }),
        Item::Descriptor(DescriptorRow {
            tid: 1,
            fd: 0,
            ino: 0,
            of: Descriptor::Other { kind: 2, name: b"/" },
        }),
        Item::Event(close.record()),
        Item::Section,
        Item::Event(close.record()),
    ]);
}

fn told(change: impl Fn(&mut ProcessRow<'_>)) -> Item<'static> {
    let mut row = process();
    change(&mut row);
    Item::Process(Box::new(row))
}

#[test]
fn what_a_row_does_not_tell_is_not_made_up() {
    let vm = |row: &mut ProcessRow<'_>| {
        (row.vmsize_kb, row.vmrss_kb, row.vmswap_kb) = (Some(1), Some(2), Some(3));
        (row.pfmajor, row.pfminor) = (Some(4), Some(5));
        row.env = b"A=1\0";
    };
    let ids = |row: &mut ProcessRow<'_>| {
        (row.vtid, row.vpid) = (Some(6), Some(7));
        (row.cgroups, row.root) = (b"memory=/x\0", b"/");
    };
    let newest = |row: &mut ProcessRow<'_>| {
        vm(row);
        ids(row);
        (row.sid, row.vpgid, row.exepath) = (Some(8), Some(9), b"/usr/bin/dash");
    };
    let old = |row: &mut ProcessRow<'_>| {
        newest(row);
        (row.loginuid, row.exe_writable) = (Some(1000), true);
        (row.cap_inheritable, row.cap_permitted) = (Some(1), Some(2));
        row.cap_effective = Some(3);
    };
    check(&[
        told(|_| {}),
        told(vm),
        told(|row| {
            vm(row);
            ids(row);
        }),
        told(|row| {
            vm(row);
            ids(row);
            (row.sid, row.exepath) = (Some(8), b"/usr/bin/dash");
        }),
        told(newest),
        told(old),
        told(|row| {
            old(row);
            (row.pidns_init_start_ts, row.tty) = (Some(10), Some(34816));
        }),
        told(|row| {
            old(row);
            (row.pidns_init_start_ts, row.tty) = (Some(10), Some(34816));
            (row.exe_upper_layer, row.exe_ino) = (true, Some(11));
            (row.exe_ino_ctime, row.exe_ino_mtime) = (Some(12), Some(13));
            (row.exe_from_memfd, row.exe_lower_layer, row.pgid) = (true, true, Some(14));
        }),
    ]);
}

#[test]
fn a_list_longer_than_a_block_goes_on_in_another() {
    let args = vec![b'a'; 4096];
    let row = ProcessRow { args: &args, ..process() };
    let rows: Vec<Item<'_>> = (0..600).map(|_| Item::Process(Box::new(row.clone()))).collect();
    check(&rows);
}

#[test]
fn texts_are_cut_where_falco_has_no_more_room() {
    let long = vec![b'x'; 70_000];
    let row = ProcessRow { comm: &long, args: &long, ..process() };
    let mut lengths = Vec::new();
    read(written(&[Item::Process(Box::new(row))]), &mut |item| {
        if let Item::Process(row) = item {
            lengths.push((row.comm.len(), row.args.len()));
        }
    });
    assert_eq!(lengths, [(1024, 4096)]);
}

#[test]
fn events_take_the_block_that_holds_them() {
    let state = RecordBuf::default();
    let large = vec![1; 60_000];
    let mut flagged = event(293, &[&[0; 8]]);
    flagged.set_state_only(true);
    let json = vec![b'j'; 200_000];
    check(&[
        Item::Event(event(5, &[&[0; 8]]).record()),
        Item::Event(event(7, &[&[0; 8], &large, &large]).record()),
        Item::Event(event(402, &[&[0; 4], b"container\0", &json]).record()),
        Item::Event(flagged.record()),
        Item::Event(state.record()),
    ]);
    let mut writer = Writer::new(Vec::new());
    let error = writer.write(&Item::Event(event(5, &[&json]).record())).unwrap_err();
    assert_eq!(
        (error.to_string().as_str(), error.is_io()),
        ("a param of an event of type 5 is longer than 65535 bytes", false)
    );
    let many = event(5, &[&[][..]; 256]);
    let error = writer.write(&Item::Event(many.record())).unwrap_err();
    assert_eq!(error.to_string(), "an event of type 5 has more than 255 params");
    // What could not be written leaves no trace.
    writer.write(&Item::Event(event(5, &[&[0; 8]]).record())).unwrap();
    assert_eq!(items(writer.finish().unwrap()).len(), 2);
}

#[test]
fn a_table_belongs_before_the_events() {
    let mut writer = Writer::new(Vec::new());
    writer.write(&Item::Event(event(5, &[]).record())).unwrap();
    let error = writer.write(&Item::Process(Box::new(process()))).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a process belongs before the first event of a section; begin another section"
    );
    writer.write(&Item::Section).unwrap();
    writer.write(&Item::Process(Box::new(process()))).unwrap();
}

#[test]
fn a_stream_that_ends_without_warning_is_read_to_the_last_flush() {
    let mut writer = Writer::gzip(Vec::new());
    writer.write(&Item::Event(event(5, &[&[7; 8]]).record())).unwrap();
    writer.flush().unwrap();
    // Never finished: what the stream got so far.
    let cut = writer.out.so_far();
    let mut reader = Reader::new(Cursor::new(cut)).unwrap();
    assert!(matches!(reader.next(), Ok(Some(Item::Section))));
    assert!(matches!(reader.next(), Ok(Some(Item::Event(_)))));
    assert!(reader.next().unwrap_err().is_truncated());
}

/// Captures whose expected alerts are known, not part of this repository.
fn captures() -> Option<Vec<PathBuf>> {
    let Some(root) = std::env::var_os("K8SRD_CONFORMANCE") else {
        #[expect(clippy::print_stdout, reason = "a skip says why")]
        {
            println!("skipped: K8SRD_CONFORMANCE names no folder with captures");
        }
        return None;
    };
    let folder = fs::read_dir(PathBuf::from(root).join("captures")).unwrap();
    Some(folder.map(|entry| entry.unwrap().path()).collect())
}

#[test]
fn captures_of_other_tools_are_read_again_as_they_were() {
    for file in captures().unwrap_or_default() {
        let bytes = fs::read(&file).unwrap();
        let mut writers = [Writer::new(Vec::new()), Writer::gzip(Vec::new())];
        let mut before = 0;
        read(bytes.clone(), &mut |item| {
            before += 1;
            writers.iter_mut().for_each(|writer| writer.write(item).unwrap());
        });
        let original = items(bytes);
        assert!(before > 2 && before == original.len(), "{}", file.display());
        for writer in writers {
            let again = items(writer.finish().unwrap());
            let differ = original.iter().zip(&again).find(|(a, b)| a != b);
            assert_eq!(differ, None, "{}", file.display());
            assert_eq!(original.len(), again.len(), "{}", file.display());
        }
    }
}
