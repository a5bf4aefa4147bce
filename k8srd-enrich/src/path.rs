//! Lexical paths, as Falco makes them: no symbolic link is followed.

use k8srd_core::arena::Arena;
use smallvec::SmallVec;

/// Falco keeps no longer path (`SCAP_MAX_PATH_SIZE`).
const LONGEST: usize = 1024;
const TOO_LONG: &[u8] = b"/DIR_TOO_LONG/FILENAME_TOO_LONG";

/// Joins a directory, which ends with a slash, and a path: `concatenate_paths` of falcosecurity/libs
/// (`userspace/libsinsp/utils.cpp`).
///
/// An absolute `path` stands alone. `.`, `..`, repeated slashes and a slash at the end are removed;
/// the directory itself is not normalised, but `..` may step up into it.
pub(crate) fn concatenate<'a>(dir: &[u8], path: &'a [u8], arena: &'a Arena) -> &'a [u8] {
    if dir.len() + path.len() + 1 > LONGEST {
        return TOO_LONG;
    }
    let dir = if path.first().is_none_or(|&first| first == b'/') { &b""[..] } else { dir };
    if is_normal(dir, path) {
        return if dir.is_empty() { path } else { arena.concat(&[dir, path]) };
    }
    let mut out: SmallVec<[u8; 256]> = SmallVec::from_slice(dir);
    let mut rest = path;
    while let Some((&byte, after)) = rest.split_first() {
        let component_starts = out.last().is_none_or(|&last| last == b'/');
        if byte == b'.' && component_starts {
            match after {
                [b'.', b'/', after @ ..] => {
                    step_up(&mut out);
                    rest = after;
                    continue;
                }
                [b'.'] => {
                    step_up(&mut out);
                    break;
                }
                [b'/', after @ ..] => {
                    rest = after;
                    continue;
                }
                [] => break,
                _ => {}
            }
        } else if byte == b'/' {
            // After stepping out of a relative directory what follows stays relative.
            let repeated = out.last() == Some(&b'/');
            if repeated || (out.is_empty() && !dir.is_empty()) {
                rest = after;
                continue;
            }
        }
        out.push(byte);
        rest = after;
    }
    if out.len() > 1 && out.last() == Some(&b'/') {
        out.pop();
    }
    arena.bytes(&out)
}

/// Whether nothing is to be removed, which holds for nearly all paths: no component begins with a
/// dot or is empty.
fn is_normal(dir: &[u8], path: &[u8]) -> bool {
    let begins_well = match path {
        [b'/', _, ..] => true,
        [b'.' | b'/', ..] | [] => false,
        _ => dir.last() == Some(&b'/'),
    };
    let odd = |pair: &[u8]| matches!(pair, [b'/', b'/' | b'.']);
    begins_well && path.last() != Some(&b'/') && !path.windows(2).any(odd)
}

/// Removes the last component with the slash behind it; the root stays.
fn step_up(out: &mut SmallVec<[u8; 256]>) {
    if out.len() <= 1 {
        return;
    }
    out.pop();
    while out.last().is_some_and(|&last| last != b'/') {
        out.pop();
    }
}

/// The path with runs of slashes made one.
pub(crate) fn single_slashes<'a>(path: &'a [u8], arena: &'a Arena) -> &'a [u8] {
    let repeated = |pair: &[u8]| pair == b"//";
    if !path.windows(2).any(repeated) {
        return path;
    }
    let mut out: SmallVec<[u8; 256]> = SmallVec::new();
    for &byte in path {
        if byte != b'/' || out.last() != Some(&b'/') {
            out.push(byte);
        }
    }
    arena.bytes(&out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined(dir: &str, path: &str) -> String {
        let arena = Arena::default();
        String::from_utf8(concatenate(dir.as_bytes(), path.as_bytes(), &arena).to_vec()).unwrap()
    }

    #[test]
    fn as_in_falco() {
        for (dir, path, want) in [
            ("", "", ""),
            ("", "../", ""),
            ("", "..", ""),
            ("/", "../", "/"),
            ("a/", "../", ""),
            ("", "/foo", "/foo"),
            ("foo/", "..//a", "a"),
            ("/foo/", "..//a", "/a"),
            ("", "./", ""),
            ("", "dir/term", "dir/term"),
            ("", "//dir/term", "/dir/term"),
            ("/", "dir/term", "/dir/term"),
            ("", "./dir/term", "dir/term"),
            ("/", "//dir//////term", "/dir/term"),
            ("../.../", "dir/././././../../.../term/", "../.../term"),
            ("../.../", "/app/custom/dir/././././../../.../term/", "/app/.../term"),
            ("/app", "custom/term", "/appcustom/term"),
            ("app/////", "custom////term", "app/////custom/term"),
            ("/root/", "../😀", "/😀"),
            ("/root/", "..", "/"),
            ("/root/", "../../../..", "/"),
            ("/a/b/", ".", "/a/b"),
            ("/a/b/", "..x/.y", "/a/b/..x/.y"),
            ("/tmp/", "/etc/../etc//shadow", "/etc/shadow"),
        ] {
            assert_eq!(joined(dir, path), want, "{dir:?} + {path:?}");
        }
    }

    #[test]
    fn no_longer_path_than_falcos() {
        assert_eq!(joined(&"C".repeat(1500), "dir"), "/DIR_TOO_LONG/FILENAME_TOO_LONG");
        assert_eq!(joined("/", &"a".repeat(1022)).len(), 1023);
        assert_eq!(joined("/", &"a".repeat(1023)), "/DIR_TOO_LONG/FILENAME_TOO_LONG");
    }

    #[test]
    fn slashes_run_together() {
        let arena = Arena::default();
        assert_eq!(single_slashes(b"//a///b/c", &arena), b"/a/b/c");
        assert_eq!(single_slashes(b"a/b", &arena), b"a/b");
    }

    proptest! {
        /// Against the plain way to say it: split, drop `.`, pop for `..`.
        #[test]
        fn an_absolute_result_has_no_dots(dir in "(/[ab.]{1,3}){0,3}/", path in "[a./]{0,20}") {
            prop_assume!(!dir.split('/').any(|part| part == "." || part == ".."));
            let mut parts: Vec<&str> = Vec::new();
            let whole =
                if path.is_empty() { String::new() }
                else if path.starts_with('/') { path.clone() }
                else { format!("{dir}{path}") };
            for part in whole.split('/').filter(|part| !part.is_empty() && *part != ".") {
                if part == ".." { parts.pop(); } else { parts.push(part); }
            }
            let want = if whole.is_empty() { String::new() } else { format!("/{}", parts.join("/")) };
            prop_assert_eq!(joined(&dir, &path), want);
        }
    }
}
