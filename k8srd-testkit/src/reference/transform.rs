//! Transformers, by copying.

use k8srd_core::rules::ast::Transformer;

use super::plain::Plain;

/// What a transformer makes of its arguments, each of which is one value or, where it is a list,
/// any number; `None` where that is no value.
pub(super) fn apply(
    transformer: Transformer,
    first_is_list: bool,
    args: &[Vec<Plain>],
) -> Option<Vec<Plain>> {
    let each = |change: &dyn Fn(&[u8]) -> Option<Vec<u8>>| {
        let one = |value: &Plain| match value {
            Plain::Text(text) => change(text).map(|text| Plain::text(&text)),
            Plain::Buffer(bytes) => {
                let end = bytes.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                change(&bytes[..end]).map(Plain::Buffer)
            }
            other => panic!("{other:?} is not transformed"),
        };
        args[0].iter().map(one).collect::<Option<Vec<_>>>()
    };
    match transformer {
        Transformer::ToLower => each(&|text| Some(text.to_ascii_lowercase())),
        Transformer::ToUpper => each(&|text| Some(text.to_ascii_uppercase())),
        Transformer::Basename => {
            each(&|text| text.split(|&byte| byte == b'/').next_back().map(<[u8]>::to_vec))
        }
        Transformer::B64 => each(&b64),
        Transformer::Len => {
            let length = if first_is_list {
                args[0].len()
            } else {
                args[0][0].bytes().map_or(0, <[u8]>::len)
            };
            Some(vec![Plain::Int(length as i128)])
        }
        Transformer::Join => {
            let parts: Vec<_> = args[1].iter().map(bytes).collect();
            Some(vec![Plain::Text(parts.join(&*bytes(&args[0][0])))])
        }
        Transformer::Concat => {
            Some(vec![Plain::Text(args.iter().flat_map(|arg| bytes(&arg[0])).collect())])
        }
        Transformer::GetOpt(selected) => {
            let list: Vec<_> = args[0].iter().map(bytes).collect();
            let found = options(&list, &bytes(&args[1][0]));
            match selected {
                None => Some(
                    found.iter().flat_map(Found::texts).map(|text| Plain::text(&text)).collect(),
                ),
                Some(wanted) => {
                    let last = found.iter().rev().find_map(|found| found.value_of(wanted))?;
                    Some(vec![Plain::text(&last)])
                }
            }
        }
        other => panic!("the reference evaluator does not know {other:?}"),
    }
}

fn bytes(value: &Plain) -> Vec<u8> {
    value.bytes().map(<[u8]>::to_vec).unwrap_or_default()
}

/// As a string of bits, six from each digit, cut into bytes.
fn b64(text: &[u8]) -> Option<Vec<u8>> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let padding = text.iter().rev().take(2).take_while(|&&byte| byte == b'=').count();
    let digits = &text[..text.len() - padding];
    if digits.is_empty() && padding > 0 || digits.len() % 4 == 1 {
        return None;
    }
    let mut bits = Vec::new();
    for digit in digits {
        let value = DIGITS.iter().position(|known| known == digit)?;
        bits.extend((0..6).rev().map(|bit| value >> bit & 1 == 1));
    }
    let whole = bits.len() / 8 * 8;
    let octet = |bits: &[bool]| bits.iter().fold(0, |octet, &bit| octet << 1 | u8::from(bit));
    let none_left = !bits[whole..].contains(&true);
    none_left.then(|| bits[..whole].chunks(8).map(octet).collect())
}

/// What is found among arguments.
enum Found {
    Unknown,
    Plain(u8),
    With(u8, Vec<u8>),
    Without(u8),
}

impl Found {
    fn texts(&self) -> Vec<Vec<u8>> {
        match self {
            Self::Unknown => vec![b"?".to_vec()],
            Self::Plain(option) => vec![vec![*option]],
            Self::With(option, value) => vec![vec![*option], value.clone()],
            Self::Without(_) => vec![vec![]],
        }
    }

    fn value_of(&self, wanted: u8) -> Option<Vec<u8>> {
        match self {
            Self::Plain(option) if *option == wanted => Some(vec![wanted]),
            Self::With(option, value) if *option == wanted => Some(value.clone()),
            Self::Without(option) if *option == wanted => Some(vec![]),
            _ => None,
        }
    }
}

/// Reads options as getopt(3) does that stops at the first argument that is none.
fn options(args: &[Vec<u8>], known: &[u8]) -> Vec<Found> {
    let known = known.strip_prefix(b":").unwrap_or(known);
    let is_known = |option: u8| option != b':' && known.contains(&option);
    let takes_value = |option: u8| known.windows(2).any(|two| two == [option, b':']);
    let mut found = Vec::new();
    let mut at = 0;
    while at < args.len() {
        let arg = &args[at];
        at += 1;
        if arg == b"--" || arg.len() < 2 || arg[0] != b'-' {
            break;
        }
        if arg.starts_with(b"--") {
            continue;
        }
        for place in 1..arg.len() {
            let option = arg[place];
            if !is_known(option) {
                found.push(Found::Unknown);
            } else if !takes_value(option) {
                found.push(Found::Plain(option));
            } else {
                let rest = &arg[place + 1..];
                if !rest.is_empty() {
                    found.push(Found::With(option, rest.to_vec()));
                } else if at < args.len() {
                    found.push(Found::With(option, args[at].clone()));
                    at += 1;
                } else {
                    found.push(Found::Without(option));
                }
                break;
            }
        }
    }
    found
}
