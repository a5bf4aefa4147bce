//! `bpf/layout.h` as a table: its rows, found while this is compiled.

use super::{ROWS, TABLE};

/// The number of a `VALUE` row. It reads the whole table: for constants only, never per record.
pub(super) const fn value(name: &str) -> u64 {
    let at = row("VALUE(", name, "");
    number(at).0
}

/// The size in a `SIZE` row.
pub(super) const fn size(of: &str) -> usize {
    number(row("SIZE(", of, "")).0 as usize
}

/// Offset and size in a `FIELD` row.
pub(super) const fn field(of: &str, name: &str) -> (usize, usize) {
    let (offset, end) = number(row("FIELD(", of, name));
    (offset as usize, number(end + 2).0 as usize)
}

/// How many `FIELD` rows a struct has.
pub(super) const fn field_count(of: &str) -> usize {
    let (mut count, mut i) = (0, 0);
    while i < ROWS.len() {
        if let Some(next) = matches(ROWS[i], "FIELD(")
            && let Some(next) = matches(next, of)
            && matches(next, ", ").is_some()
        {
            count += 1;
        }
        i += 1;
    }
    count
}

/// Where the first number of the row begins that starts with `head`, `first` and, if given, `second`.
const fn row(head: &str, first: &str, second: &str) -> usize {
    let mut i = 0;
    while i < ROWS.len() {
        if let Some(next) = matches(ROWS[i], head)
            && let Some(next) = matches(next, first)
            && let Some(next) = matches(next, ", ")
        {
            if second.is_empty() {
                return next;
            }
            if let Some(next) = matches(next, second)
                && let Some(next) = matches(next, ", ")
            {
                return next;
            }
        }
        i += 1;
    }
    panic!("bpf/layout.h has no such row")
}

pub(super) const fn rows() -> [usize; row_count()] {
    let mut rows = [0; row_count()];
    let (mut i, mut at) = (0, 0);
    while at < TABLE.len() {
        if is_row(at) {
            rows[i] = at;
            i += 1;
        }
        at = next_line(at);
    }
    rows
}

pub(super) const fn row_count() -> usize {
    let (mut count, mut at) = (0, 0);
    while at < TABLE.len() {
        count += is_row(at) as usize;
        at = next_line(at);
    }
    count
}

/// Whether the line at `at` is a row: comments begin with other characters.
const fn is_row(at: usize) -> bool {
    TABLE[at].is_ascii_uppercase()
}

const fn matches(at: usize, word: &str) -> Option<usize> {
    let word = word.as_bytes();
    if at + word.len() > TABLE.len() {
        return None;
    }
    let mut i = 0;
    while i < word.len() {
        if TABLE[at + i] != word[i] {
            return None;
        }
        i += 1;
    }
    Some(at + i)
}

const fn next_line(mut at: usize) -> usize {
    while at < TABLE.len() && TABLE[at] != b'\n' {
        at += 1;
    }
    at + 1
}

/// The decimal number at `at`, and where it ends.
const fn number(mut at: usize) -> (u64, usize) {
    let (start, mut number) = (at, 0);
    while at < TABLE.len() && TABLE[at].is_ascii_digit() {
        number = number * 10 + (TABLE[at] - b'0') as u64;
        at += 1;
    }
    assert!(at > start, "bpf/layout.h has no number where one belongs");
    (number, at)
}

pub(super) const fn fnv1a(bytes: &[u8]) -> u64 {
    let (mut hash, mut i) = (0xcbf2_9ce4_8422_2325_u64, 0);
    while i < bytes.len() {
        hash = (hash ^ bytes[i] as u64).wrapping_mul(0x100_0000_01b3);
        i += 1;
    }
    hash
}
