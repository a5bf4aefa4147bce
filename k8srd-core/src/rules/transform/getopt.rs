//! `getopt`: the short options among arguments.
//!
//! Facts: `userspace/libsinsp/sinsp_filtercheck_multivalue_transformer.cpp` of falcosecurity/libs.

use crate::arena::Arena;
use crate::value::Value;

/// The options that are known, as getopt(3) writes them: `ab:` is `-a` and `-b VALUE`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Options<'o>(&'o [u8]);

impl<'o> Options<'o> {
    pub(super) fn new(text: &'o [u8]) -> Self {
        // What a colon at the start tells getopt(3) makes no difference here.
        Self(text.strip_prefix(b":").unwrap_or(text))
    }

    /// Whether the option has a value; `None` where it is not known.
    fn has_value(self, option: u8) -> Option<bool> {
        // A colon that follows no option says nothing. An option that is named twice has a value if
        // it does once.
        let mut known = None;
        let mut rest = self.0;
        while let Some((&own, behind)) = rest.split_first() {
            rest = behind;
            if own == b':' {
                continue;
            }
            let value = rest.strip_prefix(b":");
            rest = value.unwrap_or(rest);
            if own == option {
                known = Some(known == Some(true) || value.is_some());
            }
        }
        known
    }
}

/// What one step of reading arguments finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found<'a> {
    Unknown,
    Option(&'a [u8]),
    Value(&'a [u8], &'a [u8]),
    /// The option needs a value and nothing follows.
    Missing(u8),
}

/// The options among `args` and their values, in order: `?` for one that is not known, and an empty
/// text for one whose value is missing.
pub(super) fn all<'e>(args: &[&'e [u8]], options: Options<'_>, arena: &'e Arena) -> Value<'e> {
    // Each argument gives at most one text for each of its bytes and one more.
    let mut count = 0;
    read(args, options, &mut |found| {
        count += if matches!(found, Found::Value(..)) { 2 } else { 1 };
    });
    let mut texts = arena.texts(count);
    read(args, options, &mut |found| match found {
        Found::Unknown => texts.push(b"?"),
        Found::Option(option) => texts.push(option),
        Found::Value(option, value) => {
            texts.push(option);
            texts.push(value);
        }
        Found::Missing(_) => texts.push(b""),
    });
    Value::List(texts.into_values())
}

/// The last value of one option: its name where it has none, an empty text where that is missing.
/// `None` where the option is not there.
pub(super) fn last<'e>(args: &[&'e [u8]], options: Options<'_>, wanted: u8) -> Option<&'e [u8]> {
    let mut last = None;
    read(args, options, &mut |found| match found {
        Found::Option(option) if option == [wanted] => last = Some(option),
        Found::Value(option, value) if option == [wanted] => last = Some(value),
        Found::Missing(option) if option == wanted => last = Some(&b""[..]),
        _ => {}
    });
    last
}

/// Reads as getopt(3) with `+` does: up to `--` or the first argument that is no option. Long
/// options are passed over.
fn read<'e>(args: &[&'e [u8]], options: Options<'_>, each: &mut dyn FnMut(Found<'e>)) {
    let mut args = args.iter();
    while let Some(&arg) = args.next() {
        let cluster = match arg {
            b"--" | [] | [b'-'] => return,
            [b'-', b'-', ..] => continue,
            [b'-', cluster @ ..] => cluster,
            _ => return,
        };
        for (at, &option) in cluster.iter().enumerate() {
            let name = cluster.get(at..=at).unwrap_or(&[]);
            let has_value = if option == b':' { None } else { options.has_value(option) };
            match has_value {
                None => each(Found::Unknown),
                Some(false) => each(Found::Option(name)),
                Some(true) => {
                    let attached = cluster.get(at + 1..).filter(|rest| !rest.is_empty());
                    each(match attached.or_else(|| args.next().copied()) {
                        Some(value) => Found::Value(name, value),
                        None => Found::Missing(option),
                    });
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(args: &[&str], options: &str) -> Vec<String> {
        let (args, arena): (Vec<_>, _) =
            (args.iter().map(|arg| arg.as_bytes()).collect(), Arena::default());
        let Value::List(found) = all(&args, Options::new(options.as_bytes()), &arena) else {
            panic!("no list")
        };
        found.iter().map(ToString::to_string).collect()
    }

    fn last_of(args: &[&str], options: &str, option: u8) -> Option<String> {
        let args: Vec<_> = args.iter().map(|arg| arg.as_bytes()).collect();
        let last = last(&args, Options::new(options.as_bytes()), option)?;
        Some(String::from_utf8(last.to_vec()).unwrap())
    }

    #[test]
    fn options_and_their_values_in_order() {
        assert_eq!(list(&["-nt", "hello"], "nt:"), ["n", "t", "hello"]);
        assert_eq!(list(&["-thello"], "t:"), ["t", "hello"]);
        assert_eq!(list(&["-lpe", "/bin/sh"], "lp:e:"), ["l", "p", "e"]);
        assert_eq!(list(&["-x", "-n"], "n"), ["?", "n"]);
        assert_eq!(list(&["-t", "-123"], "t:"), ["t", "-123"]);
        assert_eq!(list(&["-t"], ":t:"), [""]);
        assert_eq!(list(&["-n", "--", "-t"], "nt"), ["n"]);
        assert_eq!(list(&["--exec", "-n", "file", "-t"], "nt"), ["n"]);
        assert_eq!(list(&["file", "-n"], "n"), [""; 0]);
        assert_eq!(list(&["-", "-n"], "n"), [""; 0]);
        assert_eq!(list(&["-a:"], ":a"), ["a", "?"]);
    }

    #[test]
    fn the_last_value_of_an_option() {
        assert_eq!(last_of(&["-n", "-t", "hello"], "nt:", b't').as_deref(), Some("hello"));
        assert_eq!(last_of(&["-n", "-t", "hello"], "nt:", b'n').as_deref(), Some("n"));
        assert_eq!(last_of(&["-t", "v1", "-t", "v2"], "t:", b't').as_deref(), Some("v2"));
        assert_eq!(last_of(&["-t", "v1", "-t"], "t:", b't').as_deref(), Some(""));
        assert_eq!(last_of(&["-t?"], "t:", b't').as_deref(), Some("?"));
        assert_eq!(last_of(&["-n"], "nt:", b't'), None);
        assert_eq!(last_of(&["-x"], "n", b'x'), None, "unknown options are not found");
    }
}
