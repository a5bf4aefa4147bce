//! Any system call that has no body of its own: texts, an address, a buffer, structs, and what is
//! known of a descriptor.

use k8srd_core::arena::Arena;
use k8srd_core::value::{SocketAddress, SocketTuple, Value};
use zerocopy::FromBytes;

use super::descriptor::{self, About};
use super::{RecordError, View, flags, take};
use crate::abi::{CallBody, Context, Part, Usage, flag, layer};
use crate::calls::{self, Call, Make};

/// The call may go on in the background.
const EINPROGRESS: i64 = 115;

/// A record of a call. Its variable parts were checked when it was parsed, and are found again when
/// they are asked for: most are not.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Called<'a> {
    kind: u16,
    /// A 32-bit caller.
    narrow: bool,
    pub(super) body: CallBody,
    record: &'a [u8],
}

impl<'a> Called<'a> {
    pub(super) fn parse(view: &View<'a, '_>) -> Result<Self, RecordError> {
        let body = view.body::<CallBody>()?;
        let [text_0, text_1, text_2] = body.text;
        let [base_0, base_1, base_2] = body.base;
        let [fixed_0, fixed_1] = body.fixed;
        for (name, part) in [
            ("first text", text_0),
            ("second text", text_1),
            ("third text", text_2),
            ("first base", base_0),
            ("second base", base_1),
            ("third base", base_2),
            ("address", body.addr),
            ("data", body.data),
            ("control data", body.control),
            ("first struct", fixed_0),
            ("second struct", fixed_1),
        ] {
            view.part(name, part)?;
        }
        if body.about.offset != 0 {
            About::check(view, body.about)?;
        }
        if body.usage.offset != 0 {
            take::<Usage>(view.part("usage", body.usage)?, "usage")?;
        }
        let (kind, narrow) = (view.header.kind, view.has(flag::COMPAT));
        Ok(Self { kind, narrow, body, record: view.record })
    }

    /// The bytes of a part; `None` if it was not read.
    fn part(&self, part: Part) -> Option<&'a [u8]> {
        if part.offset == 0 { None } else { part.of(self.record) }
    }

    fn data(&self) -> Option<&'a [u8]> {
        self.part(self.body.data)
    }

    fn address(&self) -> Option<SocketAddress<'a>> {
        self.part(self.body.addr).and_then(descriptor::socket_address)
    }

    fn fixed(&self, place: usize) -> Option<&'a [u8]> {
        self.body.fixed.get(place).and_then(|&part| self.part(part))
    }

    /// What is known of the descriptor.
    pub(super) fn about(&self) -> Option<About<'a>> {
        About::of(self.record, self.body.about)
    }

    pub(super) fn param<'e>(
        &'e self,
        row: &Call,
        place: u8,
        context: &'e Context,
        arena: &'e Arena,
    ) -> Option<Value<'e>> {
        match *row.params.get(usize::from(place))? {
            Make::Result => Some(Value::I64(self.body.res)),
            Make::Unsigned32Result => Some(Value::U64((self.body.res as u32).into())),
            Make::AddressResult => Some(Value::U64(self.body.res as u64)),
            Make::Int(n) => Some(Value::I64((self.argument(n) as i32).into())),
            Make::Uint(n) => Some(Value::U64(self.argument(n) & 0xffff_ffff)),
            Make::Byte(n) => Some(Value::U64(self.argument(n) & 0xff)),
            Make::Long(n) => Some(Value::U64(self.argument(n))),
            Make::Position(n) => Some(Value::U64(self.pair(n))),
            Make::PairedPosition(n) => Some(Value::U64(match cfg!(target_arch = "aarch64") {
                true => self.pair(n + n % 2),
                false => self.pair(n),
            })),
            Make::As(n, told) => Some(Value::U64(told(self.argument(n)).into())),
            Make::Zero => Some(Value::U64(0)),
            Make::Text(n) => self.text(n).map(Value::Str),
            Make::FilledText(n) => self.text(n).filter(|_| !self.failed()).map(Value::Str),
            // Nothing is a buffer, too, as in a recording.
            Make::Data => Some(Value::Bytes(self.data().unwrap_or_default())),
            Make::FilledData if self.body.res <= 0 => Some(Value::Bytes(&[])),
            Make::FilledData => Some(Value::Bytes(self.data().unwrap_or_default())),
            Make::Control => Some(Value::Bytes(self.part(self.body.control).unwrap_or_default())),
            Make::Total => Some(Value::U64(self.body.total & 0xffff_ffff)),
            Make::Received => Some(Value::U64(self.body.res.max(0) as u64)),
            Make::Address => self.address().map(Value::Addr),
            Make::Sender => self.tuple(About::sender).map(Value::Tuple),
            Make::Receiver => self.tuple(About::receiver).map(Value::Tuple),
            Make::Of(make) => make(self, context, arena),
        }
    }

    /// As in Falco there are no ends if the call failed, unless it goes on in the background.
    fn tuple(&self, of: EndsOf<'a>) -> Option<SocketTuple<'a>> {
        if self.failed() && self.body.res != -EINPROGRESS {
            return None;
        }
        of(&self.about()?, self.address())
    }

    /// The kind of the record.
    pub(crate) fn kind(&self) -> u16 {
        self.kind
    }

    /// The number that the kind's call has for the caller.
    pub(crate) fn number(&self) -> Option<u16> {
        calls::number(self.kind, self.narrow)
    }

    pub(crate) fn failed(&self) -> bool {
        self.body.res < 0
    }

    /// An argument, counted from 0.
    pub(crate) fn argument(&self, n: u8) -> u64 {
        self.body.args.get(usize::from(n)).copied().unwrap_or_default()
    }

    /// 64 bits, which a 32-bit caller gives in two halves.
    fn pair(&self, n: u8) -> u64 {
        match self.narrow {
            true => self.argument(n + 1) << 32 | self.argument(n) & 0xffff_ffff,
            false => self.argument(n),
        }
    }

    pub(crate) fn text(&self, n: u8) -> Option<&'a [u8]> {
        self.part(*self.body.text.get(usize::from(n))?)
    }

    /// The directory that the `n`th name of the call starts from; empty if that is not relative.
    pub(super) fn base(&self, row: &Call, n: usize) -> &'a [u8] {
        let part = row.names().nth(n).and_then(|at| self.body.base.get(at));
        part.and_then(|&part| self.part(part)).unwrap_or_default()
    }

    /// The bytes of the buffer.
    pub(crate) fn given(&self) -> Option<&'a [u8]> {
        self.data()
    }

    /// A text that only some calls of the kind have, if the call succeeded.
    pub(crate) fn given_text(&self, n: u8) -> Option<Value<'a>> {
        self.text(n).filter(|_| !self.failed()).map(Value::Str)
    }

    pub(crate) fn given_u32(&self) -> Option<u32> {
        number(self.data()?, 0).map(u32::from_ne_bytes)
    }

    pub(crate) fn given_u64(&self) -> Option<u64> {
        number(self.data()?, 0).map(u64::from_ne_bytes)
    }

    /// A `struct timeval`, in nanoseconds.
    pub(crate) fn given_time(&self) -> Option<u64> {
        let (seconds, micros) = self.two_words(self.data()?)?;
        Some(seconds.wrapping_mul(1_000_000_000).wrapping_add(micros.wrapping_mul(1000)))
    }

    /// A `struct timespec`, in nanoseconds.
    pub(crate) fn duration_in(&self, place: usize) -> Option<u64> {
        let (seconds, nanos) = self.two_words(self.fixed(place)?)?;
        Some(seconds.wrapping_mul(1_000_000_000).wrapping_add(nanos))
    }

    /// Numbers as wide as the caller's registers.
    fn two_words(&self, bytes: &[u8]) -> Option<(u64, u64)> {
        Some(match self.narrow && bytes.len() < 16 {
            true => {
                let word = |at| number(bytes, at).map(|word| u64::from(u32::from_ne_bytes(word)));
                (word(0)?, word(4)?)
            }
            false => (u64::from_ne_bytes(number(bytes, 0)?), u64::from_ne_bytes(number(bytes, 8)?)),
        })
    }

    pub(crate) fn u16_in(&self, place: usize, at: usize) -> Option<u16> {
        number(self.fixed(place)?, at).map(u16::from_ne_bytes)
    }

    pub(crate) fn u32_in(&self, place: usize, at: usize) -> Option<u32> {
        number(self.fixed(place)?, at).map(u32::from_ne_bytes)
    }

    pub(crate) fn u64_in(&self, place: usize, at: usize) -> Option<u64> {
        number(self.fixed(place)?, at).map(u64::from_ne_bytes)
    }

    /// The `n`th number as wide as the caller's registers.
    pub(crate) fn word_in(&self, place: usize, n: usize) -> Option<u64> {
        match self.narrow {
            true => self.u32_in(place, 4 * n).map(u64::from),
            false => self.u64_in(place, 8 * n),
        }
    }

    /// A limit of resources: without one, -1.
    pub(crate) fn limit_in(&self, place: usize, n: usize) -> Option<i64> {
        Some(match self.word_in(place, n)? {
            limit if self.narrow && limit == u64::from(u32::MAX) => -1,
            limit => limit as i64,
        })
    }

    /// One of the two descriptors that the call made; -1 if it did not.
    pub(crate) fn made(&self, n: usize) -> Option<Value<'a>> {
        let fd = self.u32_in(0, 4 * n).map_or(-1, |fd| fd as i32);
        Some(Value::I64(fd.into()))
    }

    pub(crate) fn ino(&self) -> u64 {
        self.about().map_or(0, |about| about.body.ino)
    }

    pub(crate) fn dev(&self) -> u64 {
        self.about().map_or(0, |about| about.body.dev.into())
    }

    /// The path of the descriptor's file.
    pub(crate) fn path(&self) -> Option<&'a [u8]> {
        self.about().map(|about| about.path).filter(|path| !path.is_empty())
    }

    /// The flags of an argument as those of an open, with what the call made of them.
    pub(crate) fn opened_flags(&self, n: u8) -> u64 {
        let told = flags::open(self.argument(n) & 0xffff_ffff);
        let made = self.about().map_or(0, |about| {
            let created = about.body.fmode & flags::FMODE_CREATED != 0;
            let layer = match about.body.layer {
                layer::UPPER => flags::UPPER_LAYER,
                layer::LOWER => flags::LOWER_LAYER,
                _ => 0,
            };
            layer | if created { flags::CREATED } else { 0 }
        });
        (told | made).into()
    }

    /// Of the socket that accepted: how full its queue is in percent, how many wait, how many may.
    pub(crate) fn queue(&self) -> (u64, u64, u64) {
        let (len, max) = self.about().map_or((0, 0), |about| {
            (u64::from(about.body.queue_len), u64::from(about.body.queue_max))
        });
        let percent = (len * 100).checked_div(max).unwrap_or_default();
        (percent & 0xff, len, max)
    }

    /// Kernel addresses of a socket and its peer.
    pub(crate) fn sockets(&self) -> (u64, u64) {
        self.about().map_or((0, 0), |about| (about.body.sock, about.body.peer))
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        Some(take::<Usage>(self.part(self.body.usage)?, "usage").ok()?.0)
    }
}

type EndsOf<'a> = fn(&About<'a>, Option<SocketAddress<'a>>) -> Option<SocketTuple<'a>>;

/// The bytes of a number, if they are all there.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    <[u8; N]>::read_from_prefix(bytes.get(at..)?).ok().map(|(number, _)| number)
}

#[cfg(test)]
mod tests {
    use k8srd_core::event::{Event, Fields};
    use k8srd_core::field::Key;
    use k8srd_core::kind::{
        EventKind, FlagName, KINDS, KindInfo, ParamType, enum_text, flags_text,
    };
    use zerocopy::{FromZeros, IntoBytes};

    use super::super::parse;
    use super::super::testing::Record;
    use super::*;
    use crate::abi::Descriptor;

    const V4: &[u8] = &[2, 0, 0x1f, 0x90, 10, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0];
    const EFAULT: i64 = -14;

    fn kind(name: &str) -> u16 {
        KINDS.iter().find(|info| info.name == name && !info.kind.is_state()).unwrap().kind.0
    }

    /// A record in the making.
    struct Made {
        record: Record,
        body: CallBody,
        about: Option<Descriptor>,
        local: &'static [u8],
        remote: &'static [u8],
    }

    fn made(name: &str, res: i64, args: &[u64]) -> Made {
        let mut body = CallBody::new_zeroed();
        body.res = res;
        for (register, &value) in body.args.iter_mut().zip(args) {
            *register = value;
        }
        let record = Record::new(kind(name));
        Made { record, body, about: None, local: b"", remote: b"" }
    }

    impl Made {
        fn part(&mut self, bytes: &[u8]) -> Part {
            self.record.part(size_of::<CallBody>(), bytes)
        }

        fn text(mut self, n: usize, text: &str) -> Self {
            self.body.text[n] = self.part(text.as_bytes());
            self
        }

        fn data(mut self, bytes: &[u8]) -> Self {
            self.body.data = self.part(bytes);
            self
        }

        fn fixed(mut self, n: usize, words: &[u64]) -> Self {
            self.body.fixed[n] = self.part(words.as_bytes());
            self
        }

        fn halves(mut self, n: usize, words: &[u32]) -> Self {
            self.body.fixed[n] = self.part(words.as_bytes());
            self
        }

        fn address(mut self, bytes: &[u8]) -> Self {
            self.body.addr = self.part(bytes);
            self
        }

        fn narrow(mut self) -> Self {
            self.record = self.record.flags(flag::COMPAT);
            self
        }

        fn socket(mut self, family: u16, own: u16, other: u16) -> Self {
            let mut about = Descriptor::new_zeroed();
            (about.mode, about.sock, about.family) = (0o140_777, 0xa0, family);
            (about.local_port, about.remote_port) = (own, other);
            about.local_addr[..4].copy_from_slice(&[127, 0, 0, 1]);
            about.remote_addr[..4].copy_from_slice(&[127, 0, 0, 2]);
            self.about = Some(about);
            self
        }

        fn build(mut self) -> Vec<u8> {
            if let Some(mut about) = self.about {
                let (local, remote) = (self.local, self.remote);
                (about.local_path, about.remote_path) = (self.part(local), self.part(remote));
                self.body.about = self.part(about.as_bytes());
            }
            self.record.body(self.body.as_bytes()).build()
        }

        /// The params, by name, as they are printed; flags by their names.
        fn params(self) -> Vec<(&'static str, String)> {
            let record = self.build();
            let event = parse(&record).unwrap();
            let arena = Arena::default();
            let info = KindInfo::of(event.kind()).unwrap();
            let text = |place: u8, names: &'static [FlagName], one: bool| {
                let value = event.get(&Key::param(place), &arena).known();
                let value = value.map_or_else(|| "-".to_owned(), |value| value.to_string());
                let Some(bits) = value.parse().ok().filter(|_| !names.is_empty()) else {
                    return value;
                };
                let mut out = Vec::new();
                match one {
                    true => enum_text(bits, names, &mut out),
                    false => flags_text(bits, names, &mut out),
                }
                String::from_utf8(out).unwrap()
            };
            (0..)
                .zip(info.params.iter())
                .map(|(place, param)| {
                    let one = param.ty == ParamType::EnumFlags;
                    (param.name, text(place, param.flags, one))
                })
                .collect()
        }
    }

    #[track_caller]
    fn check(made: Made, want: &str) {
        let params = made.params();
        let got: Vec<String> =
            params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(got.join(" "), want);
    }

    #[test]
    fn files() {
        let renamed = made("renameat2", 0, &[-100_i32 as u32 as u64, 0, 5, 0, 1]);
        check(
            renamed.text(0, "a").text(1, "b"),
            "res=0 olddirfd=-100 oldpath=a newdirfd=5 newpath=b flags=RENAME_NOREPLACE",
        );
        let failed = made("unlinkat", EFAULT, &[3, 8, 0x200]);
        check(failed, "res=-14 dirfd=3 name=- flags=AT_REMOVEDIR");
        let mount = made("mount", 0, &[0, 0, 0, 0xc0ed_0001]);
        check(mount.text(1, "/mnt"), "res=0 dev=- dir=/mnt type=- flags=RDONLY");
        let device = made("mknod", 0, &[0, 0o20666, 0x103]);
        check(
            device.text(0, "n"),
            "res=0 path=n mode=S_IWOTH|S_IROTH|S_IWGRP|S_IRGRP|S_IWUSR|S_IRUSR|S_IFCHR dev=259",
        );
    }

    #[test]
    fn texts_that_an_argument_decides_on() {
        let named = made("prctl", 0, &[15, 0x1000]).text(0, "ls");
        check(named, "res=0 option=PR_SET_NAME arg2_str=ls arg2_int=0");
        let reaper = made("prctl", 0, &[37, 0x1000]).halves(0, &[1]);
        check(reaper, "res=0 option=PR_GET_CHILD_SUBREAPER arg2_str=- arg2_int=1");
        let other = made("prctl", 0, &[38, 1]);
        check(other, "res=0 option=PR_SET_NO_NEW_PRIVS arg2_str=- arg2_int=1");
        let joined = made("keyctl", 7, &[1, 0x1000]).text(0, "ring");
        check(joined, "res=7 operation=KEYCTL_JOIN_SESSION_KEYRING arg2=ring arg3=0 arg4=0 arg5=0");
        let found = made("keyctl", 7, &[10, 3, 1, 2, 9]).text(1, "user").text(2, "name");
        check(found, "res=7 operation=KEYCTL_SEARCH arg2=3 arg3=user arg4=name arg5=9");
        let cleared = made("keyctl", 0, &[7, 3, 4, 5, 6]);
        check(cleared, "res=0 operation=KEYCTL_CLEAR arg2=3 arg3=0 arg4=0 arg5=0");
    }

    #[test]
    fn quotas() {
        let words: Vec<u64> = vec![11, 12, 13, 14, 15, 16, 17, 18, 63];
        let got =
            made("quotactl", 0, &[0x8000_0700 | 1, 0, 1000]).text(0, "/dev/vda").fixed(0, &words);
        check(
            got,
            "res=0 special=/dev/vda quotafilepath=- dqb_bhardlimit=11 dqb_bsoftlimit=12 \
             dqb_curspace=13 dqb_ihardlimit=14 dqb_isoftlimit=15 dqb_btime=17 dqb_itime=18 \
             dqi_bgrace=0 dqi_igrace=0 dqi_flags= quota_fmt_out=QFMT_NOT_USED cmd=Q_GETQUOTA \
             type=GRPQUOTA id=1000 quota_fmt=QFMT_NOT_USED",
        );
        let on = made("quotactl", 0, &[0x8000_0200, 0, 2]).text(0, "/dev/vda").text(1, "/quota");
        let params = on.params();
        assert_eq!(params[2].1, "/quota");
        assert_eq!(params.last().unwrap().1, "QFMT_VFS_V0");
    }

    #[test]
    fn memory() {
        let mapped = made("mprotect", 0, &[0x1000, 4096, 7]);
        check(mapped, "res=0 addr=4096 length=4096 prot=PROT_READ|PROT_WRITE|PROT_EXEC");
        let mapped = made("mmap", 0x7000, &[0, 4096, 5, 0x22, u64::from(u32::MAX), 0]);
        let params = mapped.params();
        assert_eq!(params[6].1, "PROT_READ|PROT_EXEC");
        assert_eq!(params[7].1, "MAP_PRIVATE|MAP_ANONYMOUS");
        assert_eq!((&*params[8].1, &*params[1].1), ("-1", "-"));
    }

    #[test]
    fn the_sockets_ends_are_the_truth() {
        let connected = |res| made("connect", res, &[5]).socket(2, 40_000, 443).address(V4);
        check(connected(0), "res=0 tuple=127.0.0.1:40000->127.0.0.2:443 fd=5 addr=10.0.0.7:8080");
        // One in progress has ends and a failed one has not.
        check(
            connected(-EINPROGRESS),
            "res=-115 tuple=127.0.0.1:40000->127.0.0.2:443 fd=5 addr=10.0.0.7:8080",
        );
        check(connected(-111), "res=-111 tuple=- fd=5 addr=10.0.0.7:8080");
    }

    #[test]
    fn the_callers_address_stands_in() {
        let sent = || made("sendto", 4, &[5, 0, 4]).socket(2, 40_000, 0).data(b"ping");
        check(
            sent().address(V4),
            "res=4 data=ping fd=5 size=4 tuple=127.0.0.1:40000->10.0.0.7:8080",
        );
        check(sent(), "res=4 data=ping fd=5 size=4 tuple=127.0.0.1:40000->127.0.0.2:0");
        let got = made("recvfrom", 4, &[5, 0, 64]).socket(2, 53, 0).data(b"pong").address(V4);
        check(got, "res=4 data=pong tuple=10.0.0.7:8080->127.0.0.1:53 fd=5 size=64");
        let failed = made("recvfrom", -11, &[5, 0, 64]).socket(2, 53, 0);
        check(failed, "res=-11 data= tuple=- fd=5 size=64");
    }

    #[test]
    fn unix_sockets() {
        let mut connected = made("connect", 0, &[5]).socket(1, 0, 0);
        connected.remote = b"/run/peer";
        check(
            connected.address(b"\x01\0/run/x\0junk"),
            "res=0 tuple=a0->0 /run/x fd=5 addr=/run/x",
        );
        let mut connected = made("connect", 0, &[5]).socket(1, 0, 0);
        connected.remote = b"/run/peer";
        connected.about.as_mut().unwrap().peer = 0xb0;
        check(
            connected.address(b"\x01\0\0abstract"),
            "res=0 tuple=a0->b0 /run/peer fd=5 addr=\0abstract",
        );
        let mut accepted = made("accept", 9, &[4]).socket(1, 0, 0);
        accepted.local = b"/run/own";
        let about = accepted.about.as_mut().unwrap();
        (about.peer, about.queue_len, about.queue_max) = (0xb0, 1, 8);
        check(accepted, "fd=9 tuple=b0->a0 /run/own queuepct=12 queuelen=1 queuemax=8");
    }

    #[test]
    fn short_and_unknown_addresses() {
        for short in [&b""[..], b"\x02", b"\x02\0\0\x50\x7f\0\0", b"\x0a\0\0\x50\0\0\0\0\0"] {
            check(made("bind", 0, &[5]).address(short), "res=0 addr=- fd=5");
        }
        check(made("bind", 0, &[5]).address(b"\x01\0"), "res=0 addr= fd=5");
        check(made("bind", 0, &[5]).address(b"\x10\0\0\0"), "res=0 addr=family 16 fd=5");
        let mut v6 = vec![10, 0, 0, 80, 9, 9, 9, 9];
        v6.extend(std::net::Ipv6Addr::LOCALHOST.octets());
        check(made("bind", 0, &[5]).address(&v6), "res=0 addr=::1:80 fd=5");
    }

    #[test]
    fn options_of_sockets_are_what_they_are() {
        let set = |level, name, value: &[u8]| {
            made("setsockopt", 0, &[3, level, name, 0, value.len() as u64]).data(value)
        };
        check(
            set(1, 2, &1_u32.to_ne_bytes()),
            "res=0 fd=3 level=SOL_SOCKET optname=SO_REUSEADDR val=1 optlen=4",
        );
        let time = [3_u64, 500_000].map(u64::to_ne_bytes).concat();
        check(
            set(1, 20, &time),
            "res=0 fd=3 level=SOL_SOCKET optname=SO_RCVTIMEO val=3500000000 optlen=16",
        );
        check(set(6, 1, b"abc"), "res=0 fd=3 level=SOL_TCP optname=UNKNOWN val=abc optlen=3");
        let mut got = made("getsockopt", 0, &[3, 1, 4, 0, 0]).data(&111_u32.to_ne_bytes());
        got.body.total = 4;
        check(got, "res=0 fd=3 level=SOL_SOCKET optname=SO_ERROR val=-111 optlen=4");
    }

    #[test]
    fn processes() {
        let traced = made("ptrace", 0, &[16, 77, 0, 0]);
        check(traced, "res=0 addr=0 data=0 request=PTRACE_ATTACH pid=77");
        let peeked = made("ptrace", 0, &[1, 77, 0x1000, 0x2000]).fixed(0, &[99]);
        check(peeked, "res=0 addr=4096 data=99 request=PTRACE_PEEKTEXT pid=77");
        let refused = made("ptrace", -1, &[16, 1, 5, 5]);
        check(refused, "res=-1 addr=0 data=0 request=PTRACE_ATTACH pid=1");
        let limits = made("prlimit", 0, &[0, 7]).fixed(1, &[1024, u64::MAX]);
        check(limits, "res=0 newcur=0 newmax=0 oldcur=1024 oldmax=-1 pid=0 resource=RLIMIT_NOFILE");
        let namespaces = made("unshare", 0, &[0x1000_0000 | 0x0002_0000]);
        check(namespaces, "res=0 flags=CLONE_NEWNS|CLONE_NEWUSER");
        let copied = made("fcntl", 9, &[3, 1030, 5]);
        check(copied, "res=9 fd=3 cmd=F_DUPFD_CLOEXEC arg=5");
    }

    #[test]
    fn descriptors_that_are_waited_for() {
        let wanted: Vec<u8> = [[5_u32, 0x2000_0001_u32], [u32::MAX, 0]]
            .concat()
            .iter()
            .flat_map(|w| w.to_ne_bytes())
            .collect();
        let params = made("poll", 1, &[0, 2, 100]).data(&wanted).params();
        assert_eq!((&*params[0].1, &*params[2].1), ("1", "100"));
        let record = made("poll", 1, &[0, 2, 100]).data(&wanted).build();
        let (event, arena) = (parse(&record).unwrap(), Arena::default());
        let Some(Value::Bytes(list)) = event.get(&Key::param(1), &arena).known() else { panic!() };
        let mut want = vec![2, 0];
        want.extend(5_i64.to_le_bytes());
        want.extend(8_i16.to_le_bytes());
        want.extend((-1_i64).to_le_bytes());
        want.extend(0_i16.to_le_bytes());
        assert_eq!(list, want);
    }

    #[test]
    fn callers_of_32_bits() {
        let slept = made("nanosleep", 0, &[0x1000]).halves(0, &[1, 5]).narrow();
        check(slept, "res=0 interval=1000000005");
        let limit = made("setrlimit", 0, &[7]).halves(0, &[100, u32::MAX]).narrow();
        check(limit, "res=0 cur=100 max=-1 resource=RLIMIT_NOFILE");
        let from = if cfg!(target_arch = "aarch64") { 4 } else { 3 };
        let mut args = [3_u64, 0, 4, 0, 0, 0];
        (args[from], args[from + 1]) = (5, 1);
        let written = made("pwrite", 4, &args).data(b"four").narrow();
        check(written, "res=4 data=four fd=3 size=4 pos=4294967301");
    }

    #[test]
    fn what_descriptors_are_of() {
        let number = |mode: u32, magic: u32, label: bool, path: &'static [u8]| {
            let mut made = made("fchmod", 0, &[3]);
            let mut about = Descriptor::new_zeroed();
            (about.mode, about.magic, about.what) = (mode, magic, if label { 8 } else { 0 });
            about.path = made.part(path);
            made.about = Some(about);
            let record = made.build();
            let event = parse(&record).unwrap();
            let arena = Arena::default();
            let get = |id| {
                event.get(&Key::of(id), &arena).known().map(|value: Value<'_>| value.to_string())
            };
            use k8srd_core::catalogue as field;
            (get(field::CTX_FD_TYPE).unwrap(), get(field::CTX_FD_NAME).unwrap_or_default())
        };
        let is = |got: (String, String), ty: &str, name: &str| {
            assert_eq!((&*got.0, &*got.1), (ty, name));
        };
        is(number(0o100_644, 0xef53, false, b"/etc/passwd"), "1", "/etc/passwd");
        is(number(0o040_755, 0xef53, false, b"/etc"), "2", "/etc");
        is(number(0o020_666, 0x0102_1994, false, b"/dev/null"), "1", "/dev/null");
        is(number(0o010_600, 0x5049_5045, true, b"/"), "7", "");
        is(number(0o600, 0x0904_1934, true, b"/[eventpoll]"), "12", "[eventpoll]");
        is(number(0o600, 0x0904_1934, true, b"/bpf-prog"), "17", "bpf-prog");
        is(number(0o600, 0x0904_1934, true, b"/[perf_event]"), "10", "[perf_event]");
        is(number(0o100_600, 0x5049_4446, true, b"/"), "21", "");
        is(number(0o100_777, 0x0102_1994, true, b"/memfd:x"), "20", "memfd:x");
    }

    #[test]
    fn every_cut_is_refused_or_an_event() {
        let whole = made("sendto", 4, &[5, 0, 4]).socket(2, 1, 2).data(b"ping").address(V4).build();
        assert!(parse(&whole).is_ok());
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).is_err(), "cut at {end}");
        }
        // A part that ends where the record does not.
        let mut body = CallBody::new_zeroed();
        body.about = Part { offset: 400, len: 50 };
        let record = Record::new(kind("sendto")).body(body.as_bytes()).build();
        let error = parse(&record).unwrap_err().to_string();
        assert_eq!(error, "descriptor lies outside the record: 50 bytes at 400");
    }

    #[test]
    fn a_call_without_an_event_of_its_own() {
        use k8srd_core::catalogue as field;
        let record = made("pivot_root", -22, &[1, 2]).text(0, "new").text(1, "old").build();
        let (event, arena) = (parse(&record).unwrap(), Arena::default());
        assert_eq!(event.kind(), EventKind::call(137));
        let get = |key: &Key| event.get(key, &arena).known().map(|value| value.to_string());
        assert_eq!(get(&Key::param(0)).as_deref(), Some("137"));
        assert_eq!(get(&Key::of(field::CTX_CALL_RES)).as_deref(), Some("-22"));
        assert_eq!(get(&Key::of(field::CTX_CALL_ARG1)).as_deref(), Some("2"));
        assert_eq!(get(&Key::of(field::CTX_CALL_TEXT1)).as_deref(), Some("old"));
    }
}
