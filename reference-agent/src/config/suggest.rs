//! What to say of a key that does not exist.

use super::{falco, reference};

/// The name that was probably meant.
pub(crate) fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let near = names.into_iter().min_by_key(|other| distance(name, other))?;
    (distance(name, near) <= 1 + name.len() / 4).then_some(near)
}

/// That there is no such key where only `siblings` may stand, and which was meant.
pub(crate) fn no_such_key(name: &str, siblings: &[&str]) -> String {
    let is_top = siblings.contains(&"rules_files");
    if is_top && let Some(reason) = falco::without_meaning(name) {
        return format!("Falco's key {name} has no meaning here: {reason}");
    }
    if let Some(near) = nearest(name, siblings.iter().copied()) {
        return format!("no such key; did you mean {near}?");
    }
    // Written at a place where another key would hold it.
    let elsewhere = reference::keys().iter().find(|key| {
        let last = key.path.rsplit('.').next().unwrap_or_default();
        last == name && last != key.path
    });
    match elsewhere {
        Some(key) => format!("no such key; did you mean {}?", key.path),
        None => format!("no such key; the keys here are {}", siblings.join(", ")),
    }
}

/// How many characters have to be changed, added or taken away to make one text the other
/// (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, &to) in b.iter().enumerate() {
            let change = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_near_name_is_meant_a_far_one_is_not() {
        let names = ["rule_matching", "json_output", "priority"];
        assert_eq!(nearest("rule_maching", names), Some("rule_matching"));
        assert_eq!(nearest("jsonoutput", names), Some("json_output"));
        assert_eq!(nearest("zzz", names), None);
    }
}
