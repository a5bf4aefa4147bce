//! Names of errors and signals, as Falco prints them.

use k8srd_core::arena::Arena;
use smallvec::SmallVec;

/// Names of errors by number (`include/uapi/asm-generic/errno*.h`), and of those that only the
/// kernel itself sees (`include/linux/errno.h`). Empty: there is none.
const ERRORS: [&str; 134] = [
    "",
    "EPERM",
    "ENOENT",
    "ESRCH",
    "EINTR",
    "EIO",
    "ENXIO",
    "E2BIG",
    "ENOEXEC",
    "EBADF",
    "ECHILD",
    "EAGAIN",
    "ENOMEM",
    "EACCES",
    "EFAULT",
    "ENOTBLK",
    "EBUSY",
    "EEXIST",
    "EXDEV",
    "ENODEV",
    "ENOTDIR",
    "EISDIR",
    "EINVAL",
    "ENFILE",
    "EMFILE",
    "ENOTTY",
    "ETXTBSY",
    "EFBIG",
    "ENOSPC",
    "ESPIPE",
    "EROFS",
    "EMLINK",
    "EPIPE",
    "EDOM",
    "ERANGE",
    "EDEADLK",
    "ENAMETOOLONG",
    "ENOLCK",
    "ENOSYS",
    "ENOTEMPTY",
    "ELOOP",
    "",
    "ENOMSG",
    "EIDRM",
    "ECHRNG",
    "EL2NSYNC",
    "EL3HLT",
    "EL3RST",
    "ELNRNG",
    "EUNATCH",
    "ENOCSI",
    "EL2HLT",
    "EBADE",
    "EBADR",
    "EXFULL",
    "ENOANO",
    "EBADRQC",
    "EBADSLT",
    "",
    "EBFONT",
    "ENOSTR",
    "ENODATA",
    "ETIME",
    "ENOSR",
    "ENONET",
    "ENOPKG",
    "EREMOTE",
    "ENOLINK",
    "EADV",
    "ESRMNT",
    "ECOMM",
    "EPROTO",
    "EMULTIHOP",
    "EDOTDOT",
    "EBADMSG",
    "EOVERFLOW",
    "ENOTUNIQ",
    "EBADFD",
    "EREMCHG",
    "ELIBACC",
    "ELIBBAD",
    "ELIBSCN",
    "ELIBMAX",
    "ELIBEXEC",
    "EILSEQ",
    "ERESTART",
    "ESTRPIPE",
    "EUSERS",
    "ENOTSOCK",
    "EDESTADDRREQ",
    "EMSGSIZE",
    "EPROTOTYPE",
    "ENOPROTOOPT",
    "EPROTONOSUPPORT",
    "ESOCKTNOSUPPORT",
    "EOPNOTSUPP",
    "EPFNOSUPPORT",
    "EAFNOSUPPORT",
    "EADDRINUSE",
    "EADDRNOTAVAIL",
    "ENETDOWN",
    "ENETUNREACH",
    "ENETRESET",
    "ECONNABORTED",
    "ECONNRESET",
    "ENOBUFS",
    "EISCONN",
    "ENOTCONN",
    "ESHUTDOWN",
    "ETOOMANYREFS",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "EHOSTDOWN",
    "EHOSTUNREACH",
    "EALREADY",
    "EINPROGRESS",
    "ESTALE",
    "EUCLEAN",
    "ENOTNAM",
    "ENAVAIL",
    "EISNAM",
    "EREMOTEIO",
    "EDQUOT",
    "ENOMEDIUM",
    "EMEDIUMTYPE",
    "ECANCELED",
    "ENOKEY",
    "EKEYEXPIRED",
    "EKEYREVOKED",
    "EKEYREJECTED",
    "EOWNERDEAD",
    "ENOTRECOVERABLE",
    "ERFKILL",
    "EHWPOISON",
];

const RESTARTS: [&str; 5] =
    ["ERESTARTSYS", "ERESTARTNOINTR", "ERESTARTNOHAND", "ENOIOCTLCMD", "ERESTART_RESTARTBLOCK"];

/// The name of the error that a return value below 0 stands for.
pub(super) fn error(result: i64) -> Option<&'static str> {
    let number = usize::try_from(result.checked_neg()?).ok()?;
    let name = match number {
        512.. => RESTARTS.get(number - 512),
        _ => ERRORS.get(number),
    };
    name.copied().filter(|name| !name.is_empty())
}

/// Names of signals by number (`include/uapi/asm-generic/signal.h`).
const SIGNALS: [&str; 32] = [
    "",
    "SIGHUP",
    "SIGINT",
    "SIGQUIT",
    "SIGILL",
    "SIGTRAP",
    "SIGABRT",
    "SIGBUS",
    "SIGFPE",
    "SIGKILL",
    "SIGUSR1",
    "SIGSEGV",
    "SIGUSR2",
    "SIGPIPE",
    "SIGALRM",
    "SIGTERM",
    "SIGSTKFLT",
    "SIGCHLD",
    "SIGCONT",
    "SIGSTOP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGXCPU",
    "SIGXFSZ",
    "SIGVTALRM",
    "SIGPROF",
    "SIGWINCH",
    "SIGIO",
    "SIGPWR",
    "SIGSYS",
];

/// The name of a signal.
pub(super) fn signal(number: i64) -> Option<&'static str> {
    let name = SIGNALS.get(usize::try_from(number).ok()?);
    name.copied().filter(|name| !name.is_empty())
}

/// The names of a set of signals, one bit each.
pub(super) fn signals(set: i64, arena: &Arena) -> &[u8] {
    let mut out: SmallVec<[u8; 64]> = SmallVec::new();
    for number in 1..=32 {
        if set >> (number - 1) & 1 == 1
            && let Some(name) = signal(number)
        {
            if !out.is_empty() {
                out.push(b' ');
            }
            out.extend_from_slice(name.as_bytes());
        }
    }
    arena.bytes(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_are_at_their_numbers() {
        for (number, name) in [
            (1, "EPERM"),
            (2, "ENOENT"),
            (13, "EACCES"),
            (40, "ELOOP"),
            (42, "ENOMSG"),
            (59, "EBFONT"),
            (61, "ENODATA"),
            (84, "EILSEQ"),
            (95, "EOPNOTSUPP"),
            (98, "EADDRINUSE"),
            (104, "ECONNRESET"),
            (110, "ETIMEDOUT"),
            (111, "ECONNREFUSED"),
            (115, "EINPROGRESS"),
            (133, "EHWPOISON"),
            (512, "ERESTARTSYS"),
            (516, "ERESTART_RESTARTBLOCK"),
        ] {
            assert_eq!(error(-number), Some(name), "{number}");
        }
        for none in [0, 1, -41, -58, -134, -511, -517, i64::MIN, i64::MAX] {
            assert_eq!(error(none), None, "{none}");
        }
    }

    #[test]
    fn a_set_of_signals() {
        let arena = Arena::default();
        assert_eq!(signals(0b101, &arena), b"SIGHUP SIGQUIT");
        assert_eq!(signals(0, &arena), b"");
    }

    #[test]
    fn signals_are_at_their_numbers() {
        for (number, name) in [(1, "SIGHUP"), (9, "SIGKILL"), (15, "SIGTERM"), (31, "SIGSYS")] {
            assert_eq!(signal(number), Some(name));
        }
        assert_eq!((signal(0), signal(32), signal(-1)), (None, None, None));
    }
}
