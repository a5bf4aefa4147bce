//! What stays the same from one exec to the next.

use std::sync::Arc;

/// The program that a process runs. Forked processes share it until they exec.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// `comm`, a blank, and the arguments separated by blanks: `proc.cmdline`. What is asked for
    /// most often is put together once.
    cmdline: Box<[u8]>,
    comm_len: usize,
    /// The first argument.
    exe: Box<[u8]>,
    /// The path that the kernel ran.
    exepath: Box<[u8]>,
    /// All but the first argument, separated by NUL bytes.
    args: Box<[u8]>,
    env: Arc<[u8]>,
    exe_flags: u32,
    inode: Inode,
}

/// The executable's inode; times are nanoseconds since 1970. All 0 where it was not told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Inode {
    pub(crate) number: u64,
    pub(crate) changed: u64,
    pub(crate) modified: u64,
}

/// What the kernel says behind the path of an executable that was removed.
const DELETED: &[u8] = b" (deleted)";

/// Bits of the param `flags` of an exec, Falco's `PPM_EXE_*`.
pub(crate) mod exe_flag {
    pub(crate) const WRITABLE: u32 = 1 << 0;
    pub(crate) const UPPER_LAYER: u32 = 1 << 1;
    pub(crate) const FROM_MEMFD: u32 = 1 << 2;
    pub(crate) const LOWER_LAYER: u32 = 1 << 3;
}

/// The parts of [`Facts`], borrowed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Program<'a> {
    pub(crate) comm: &'a [u8],
    pub(crate) exe: &'a [u8],
    pub(crate) exepath: &'a [u8],
    /// Each ended by a NUL byte.
    pub(crate) args: &'a [u8],
    /// Each ended by a NUL byte.
    pub(crate) env: &'a [u8],
    pub(crate) exe_flags: u32,
    pub(crate) inode: Inode,
}

impl Facts {
    pub(crate) fn new(program: Program<'_>) -> Arc<Self> {
        let env = without_last_nul(program.env).into();
        Self::with_env(program, env)
    }

    /// The same program under another name, with other arguments: what a process changed since its
    /// exec, as a call of clone tells it. With or without its environment.
    pub(crate) fn renamed(&self, comm: &[u8], exe: &[u8], args: &[u8], env: bool) -> Arc<Self> {
        let Self { exepath, exe_flags, inode, .. } = self;
        let (exe_flags, inode) = (*exe_flags, *inode);
        let env = if env { Arc::clone(&self.env) } else { Arc::default() };
        Self::with_env(Program { comm, exe, exepath, args, env: &[], exe_flags, inode }, env)
    }

    fn with_env(program: Program<'_>, env: Arc<[u8]>) -> Arc<Self> {
        let Program { comm, exe, exepath, args, env: _, exe_flags, inode } = program;
        let exepath = exepath.strip_suffix(DELETED).filter(|it| !it.is_empty()).unwrap_or(exepath);
        let args = without_last_nul(args);
        let mut cmdline = Vec::with_capacity(comm.len() + 1 + args.len());
        cmdline.extend_from_slice(comm);
        if !args.is_empty() {
            cmdline.push(b' ');
            cmdline.extend(args.iter().map(|&byte| if byte == 0 { b' ' } else { byte }));
        }
        Arc::new(Self {
            cmdline: cmdline.into(),
            comm_len: comm.len(),
            exe: exe.into(),
            exepath: exepath.into(),
            args: args.into(),
            env,
            exe_flags,
            inode,
        })
    }

    /// Whether name and arguments are these.
    pub(crate) fn is_command(&self, comm: &[u8], exe: &[u8], args: &[u8]) -> bool {
        self.comm() == comm && *self.exe == *exe && *self.args == *without_last_nul(args)
    }

    /// Whether all but the environment is the same.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.is_command(other.comm(), &other.exe, &other.args)
            && (&self.exepath, self.exe_flags, self.inode)
                == (&other.exepath, other.exe_flags, other.inode)
    }

    pub(crate) fn exe_flags(&self) -> u32 {
        self.exe_flags
    }

    pub(crate) fn inode(&self) -> Inode {
        self.inode
    }

    pub(crate) fn comm(&self) -> &[u8] {
        self.cmdline.get(..self.comm_len).unwrap_or_default()
    }

    pub(crate) fn cmdline(&self) -> &[u8] {
        &self.cmdline
    }

    pub(crate) fn exe(&self) -> &[u8] {
        &self.exe
    }

    pub(crate) fn exepath(&self) -> &[u8] {
        &self.exepath
    }

    /// The arguments behind the first, separated by blanks.
    pub(crate) fn joined_args(&self) -> &[u8] {
        self.cmdline.get(self.comm_len + 1..).unwrap_or_default()
    }

    /// The arguments behind the first.
    pub(crate) fn args(&self) -> impl Iterator<Item = &[u8]> {
        texts(&self.args)
    }

    /// The environment, `NAME=value` each.
    pub(crate) fn env(&self) -> impl Iterator<Item = &[u8]> {
        texts(&self.env)
    }

    /// The environment, NUL-separated.
    pub(crate) fn raw_env(&self) -> &[u8] {
        &self.env
    }

    pub(crate) fn has_exe_flag(&self, flag: u32) -> bool {
        self.exe_flags & flag != 0
    }

    /// Bytes of memory that it holds, about.
    pub(crate) fn size(&self) -> usize {
        let Self { cmdline, comm_len: _, exe, exepath, args, env, exe_flags: _, inode: _ } = self;
        size_of::<Self>() + cmdline.len() + exe.len() + exepath.len() + args.len() + env.len()
    }
}

/// Falco ends a list before its last NUL byte, so that a single empty text is none.
fn without_last_nul(texts: &[u8]) -> &[u8] {
    texts.strip_suffix(&[0]).unwrap_or(texts)
}

fn texts(list: &[u8]) -> impl Iterator<Item = &[u8]> {
    let some = if list.is_empty() { None } else { Some(list) };
    some.into_iter().flat_map(|list| list.split(|&byte| byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_cut_as_in_falco() {
        let facts = |args| Facts::new(Program { comm: b"sh", args, ..Program::default() });
        let args = |args| facts(args).args().map(<[u8]>::to_vec).collect::<Vec<_>>();
        assert_eq!(args(b"-c\0echo a b\0"), [&b"-c"[..], b"echo a b"]);
        assert_eq!(args(b"a\0\0b\0"), [&b"a"[..], b"", b"b"]);
        assert_eq!(args(b"a\0\0"), [&b"a"[..], b""]);
        assert_eq!(args(b"cut off"), [b"cut off"]);
        assert!(args(b"\0").is_empty() && args(b"").is_empty());
        assert_eq!(facts(b"-c\0echo a b\0").cmdline(), b"sh -c echo a b");
        assert_eq!(facts(b"-c\0echo a b\0").joined_args(), b"-c echo a b");
        assert_eq!(facts(b"").cmdline(), b"sh");
        assert_eq!(facts(b"").joined_args(), b"");
        assert_eq!(facts(b"").comm(), b"sh");
    }
}
