//! A recording of a million events such as a machine at work gives: a shell starts one program after the
//! other, each loads its libraries, looks through files and ends.
//!
//! The shares are those of a recording that Falco made of its base set of calls while `ls`, `find`,
//! `grep`, `tar`, `python`, `gcc` and `curl` ran: `close` 38 %, `openat` 28 %, `fcntl` 25 %, `execve`
//! 2.5 %, `clone` 1.4 %, `prlimit` 1.1 %, `dup2` 0.9 %, `procexit` 0.7 %, the rest of sockets and
//! working directories.

use std::io::Write;

use k8srd_capture::{Item, ProcessRow, RecordBuf, WriteError, Writer};
use k8srd_core::event::Timestamp;
use k8srd_core::kind::EventKind;

/// How many events it has at least.
pub(crate) const EVENTS: u64 = 1_000_000;

/// The first moment, and the time between two events, in nanoseconds.
const START: u64 = 1_764_000_000_000_000_000;
const GAP: u64 = 3_000;

/// Who runs when the recording begins: the last is the shell.
const DAEMONS: i64 = 120;
const SHELL: i64 = 1 + DAEMONS;

const PROGRAMS: [(&[u8], &[u8]); 6] = [
    (b"/usr/bin/find", b"/usr/lib\0-name\0*.so\0"),
    (b"/usr/bin/grep", b"-r\0--include=*.h\0struct task_struct\0/usr/include\0"),
    (b"/usr/bin/tar", b"-czf\0/tmp/backup.tar.gz\0/srv/app/data\0"),
    (b"/usr/bin/python3.11", b"/srv/app/bin/report.py\0--day\0yesterday\0"),
    (b"/usr/bin/gcc", b"-O2\0-c\0-o\0build/main.o\0src/main.c\0"),
    (b"/usr/bin/curl", b"-sS\0http://127.0.0.1:8080/health\0"),
];

const ENVIRONMENT: &[u8] = b"SHELL=/bin/bash\0PWD=/srv/app\0LOGNAME=deploy\0HOME=/home/deploy\0\
    LANG=en_US.UTF-8\0LS_COLORS=rs=0:di=01;34:ln=01;36:mh=00:pi=40;33:so=01;35:do=01;35:bd=40;33;01\0\
    TERM=xterm-256color\0USER=deploy\0SHLVL=1\0PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin\0\
    MAIL=/var/mail/deploy\0OLDPWD=/srv\0_=/usr/bin/env\0";

const CGROUPS: &[u8] = b"cpuset=/system.slice/app.service\0cpu=/system.slice/app.service\0\
    cpuacct=/\0io=/system.slice/app.service\0memory=/system.slice/app.service\0";

const LIBRARIES: [&[u8]; 4] = [
    b"/etc/ld.so.cache",
    b"/lib/x86_64-linux-gnu/libc.so.6",
    b"/lib/x86_64-linux-gnu/libpthread.so.0",
    b"/usr/lib/locale/locale-archive",
];

const NOT_FOUND: i64 = -2;
const WORKING_DIRECTORY: i64 = -100;

/// Writes it.
pub(crate) fn write(to: impl Write) -> Result<(), WriteError> {
    let mut mixed = Mixed {
        writer: Writer::new(to),
        event: RecordBuf::default(),
        events: 0,
        tid: SHELL,
        cpu: 0,
    };
    mixed.machine()?;
    let mut pid = SHELL;
    while mixed.events < EVENTS {
        pid = if pid < 30_000 { pid + 1 } else { SHELL + 1 };
        mixed.life(pid)?;
    }
    mixed.writer.finish()?;
    Ok(())
}

struct Mixed<W: Write> {
    writer: Writer<W>,
    event: RecordBuf,
    events: u64,
    /// Whose event is next, and where.
    tid: i64,
    cpu: u16,
}

impl<W: Write> Mixed<W> {
    fn machine(&mut self) -> Result<(), WriteError> {
        for pid in 1..=SHELL {
            let mut row = ProcessRow::default();
            (row.tid, row.pid, row.ptid) = (pid, pid, i64::from(pid > 1));
            (row.vtid, row.vpid) = (Some(pid), Some(pid));
            (row.comm, row.exe, row.exepath) = (b"bash", b"/bin/bash", b"/usr/bin/bash");
            (row.cwd, row.root, row.env) = (b"/srv/app/", b"/", ENVIRONMENT);
            (row.cgroups, row.fdlimit) = (CGROUPS, 1024);
            self.writer.write(&Item::Process(Box::new(row)))?;
        }
        Ok(())
    }

    /// The shell starts a program, which works and ends.
    fn life(&mut self, pid: i64) -> Result<(), WriteError> {
        let (path, args) = PROGRAMS[pid as usize % PROGRAMS.len()];
        self.cpu = (pid % 4) as u16;
        self.tid = SHELL;
        self.clone(pid, SHELL)?;
        self.tid = pid;
        self.clone(0, SHELL)?;
        self.dup2(3, 1)?;
        // Looked for where PATH says.
        self.exec(pid, NOT_FOUND, b"/usr/local/bin/x", b"bash", args)?;
        self.exec(pid, NOT_FOUND, b"/usr/sbin/x", b"bash", args)?;
        let comm = path.rsplit(|&byte| byte == b'/').next().unwrap_or(path);
        self.exec(pid, 0, path, comm, args)?;
        for library in LIBRARIES {
            self.open(library, 3)?;
            self.close(3)?;
        }
        self.prlimit()?;
        if comm == b"curl" {
            self.connect(5)?;
            self.close(5)?;
        }
        for n in 0..34 {
            let directory = format!("/srv/app/data/{:04}", (pid * 7 + n) % 1000);
            match n % 4 {
                0 => self.open(directory.as_bytes(), NOT_FOUND)?,
                1 => self.open(format!("{directory}/segment-{n:06}.log").as_bytes(), 4)?,
                2 => self.open(format!("include/linux/{n}.h").as_bytes(), 4)?,
                _ => self.open(directory.as_bytes(), 4)?,
            }
            self.fcntl(4)?;
            if n % 4 != 0 {
                self.close(4)?;
            }
        }
        for fd in 3..13 {
            self.close(fd)?;
        }
        self.exit()
    }

    fn event(&mut self, kind: EventKind, params: &[&[u8]]) -> Result<(), WriteError> {
        let time = Timestamp::from_nanos(START + GAP * self.events);
        let code = kind.falco_code().expect("kinds of Falco's");
        self.event.begin(time, self.tid as u64, self.cpu, code);
        params.iter().for_each(|param| self.event.push(param));
        self.events += 1;
        self.writer.write(&Item::Event(self.event.record()))
    }

    fn open(&mut self, name: &[u8], fd: i64) -> Result<(), WriteError> {
        let name = text(name);
        let (flags, mode, device, inode) = (n32(1), n32(0), n32(0x801), n64(4711));
        let (fd, dirfd) = (n64(fd), n64(WORKING_DIRECTORY));
        self.event(EventKind::OPENAT, &[&fd, &dirfd, &name, &flags, &mode, &device, &inode])
    }

    fn close(&mut self, fd: i64) -> Result<(), WriteError> {
        self.event(EventKind(5), &[&n64(0), &n64(fd)])
    }

    fn fcntl(&mut self, fd: i64) -> Result<(), WriteError> {
        self.event(EventKind(151), &[&n64(0), &n64(fd), &[4], &n64(1)])
    }

    fn prlimit(&mut self) -> Result<(), WriteError> {
        let none = n64(-1);
        self.event(EventKind(145), &[&n64(0), &none, &none, &n64(8 << 20), &none, &n64(0), &[3]])
    }

    fn dup2(&mut self, from: i64, to: i64) -> Result<(), WriteError> {
        self.event(EventKind(363), &[&n64(to), &n64(from), &n64(to)])
    }

    fn connect(&mut self, fd: i64) -> Result<(), WriteError> {
        self.event(EventKind(19), &[&n64(fd), &n32(2), &n32(1), &n32(0), &n32(0)])?;
        let tuple =
            [&[2, 127, 0, 0, 1, 0x39, 0x30, 127, 0, 0, 1][..], &8080_u16.to_le_bytes()].concat();
        let address = [&[2, 127, 0, 0, 1][..], &8080_u16.to_le_bytes()].concat();
        self.event(EventKind::CONNECT, &[&n64(0), &tuple, &n64(fd), &address])
    }

    fn exit(&mut self) -> Result<(), WriteError> {
        self.event(EventKind::PROCEXIT, &[&n64(0), &n64(0), &[0], &[0], &n64(0)])
    }

    fn clone(&mut self, result: i64, parent: i64) -> Result<(), WriteError> {
        let tid = self.tid;
        let (id, ptid) = (n64(tid), n64(if tid == parent { 1 } else { parent }));
        let params: [&[u8]; 21] = [
            &n64(result),
            b"/bin/bash\0",
            b"",
            &id,
            &id,
            &ptid,
            b"\0",
            &n64(1024),
            &n64(0),
            &n64(200),
            &n32(7000),
            &n32(3500),
            &n32(0),
            b"bash\0",
            CGROUPS,
            &n32(0x0120_0000),
            &n32(1000),
            &n32(1000),
            &id,
            &id,
            &n64(0),
        ];
        self.event(EventKind::CLONE, &params)
    }

    fn exec(
        &mut self,
        pid: i64,
        result: i64,
        path: &[u8],
        comm: &[u8],
        args: &[u8],
    ) -> Result<(), WriteError> {
        let (id, path, comm) = (n64(pid), text(path), text(comm));
        let all = n64(0x1ff_ffff_ffff);
        let params: [&[u8]; 31] = [
            &n64(result),
            &path,
            args,
            &id,
            &id,
            &n64(SHELL),
            b"\0",
            &n64(1024),
            &n64(0),
            &n64(30),
            &n32(400),
            &n32(4),
            &n32(0),
            &comm,
            CGROUPS,
            ENVIRONMENT,
            &n32(34816),
            &n64(pid),
            &n32(1000),
            &n32(0),
            &n64(0),
            &all,
            &all,
            &n64(99),
            &n64(START as i64),
            &n64(START as i64),
            &n32(1000),
            &path,
            &n64(pid),
            &n32(1000),
            &path,
        ];
        self.event(EventKind::EXECVE, &params)
    }
}

/// As text is recorded: with a NUL byte at its end.
fn text(text: &[u8]) -> Vec<u8> {
    [text, b"\0"].concat()
}

fn n64(number: i64) -> [u8; 8] {
    number.to_le_bytes()
}

fn n32(number: u32) -> [u8; 4] {
    number.to_le_bytes()
}
