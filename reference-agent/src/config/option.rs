//! `-o key=value`: one value put over what a file says.

use super::tree::{Data, Entry, Node, Path, Place, Problem, Step};

/// A step as it is typed: `[]` is the place after the last item.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Typed {
    Key(String),
    Index(usize),
    End,
}

/// Puts the value of `key=value` into the tree.
///
/// # Errors
///
/// The option is not of this form, or its way leads through a value that is no list or mapping.
pub(crate) fn set(tree: &mut Node, option: &str) -> Result<(), Problem> {
    let (steps, value) =
        split(option).ok_or_else(|| wrong(Path::default(), format!("{option}: {FORM}")))?;
    let value = read_value(value)?;
    let mut node = tree;
    let mut path = Path::default();
    for step in steps {
        node = enter(node, step, &mut path)?;
    }
    *node = value;
    Ok(())
}

const FORM: &str = "not of the form key=value; a key is name, name.name, name[0] or name[]";

fn wrong(path: Path, message: impl Into<String>) -> Problem {
    Problem { place: Some(Place::CommandLine), path, message: message.into() }
}

/// The way and the text of the value.
fn split(option: &str) -> Option<(Vec<Typed>, &str)> {
    let mut steps = Vec::new();
    let mut name = String::new();
    // Whether a name has to come: at the start and after a dot.
    let mut wants_name = true;
    let mut chars = option.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => name.push(chars.next()?.1),
            '.' | '[' | '=' => {
                if !name.is_empty() {
                    steps.push(Typed::Key(trimmed(&name, wants_name)?));
                    name.clear();
                } else if wants_name {
                    return None;
                }
                wants_name = c == '.';
                if c == '=' {
                    return Some((steps, option[at + 1..].trim()));
                }
                if c == '[' {
                    let (index, _) = option[at + 1..].split_once(']')?;
                    steps.push(match index.trim() {
                        "" => Typed::End,
                        digits => Typed::Index(digits.parse().ok()?),
                    });
                    // Past the bracket.
                    chars.by_ref().take(index.chars().count() + 1).for_each(drop);
                }
            }
            _ => name.push(c),
        }
    }
    None
}

/// The name, if one may stand here: `a[0]b` has one where none may.
fn trimmed(name: &str, wanted: bool) -> Option<String> {
    let name = name.trim();
    (wanted && !name.is_empty()).then(|| name.to_owned())
}

/// A value that begins like a list, a mapping or a quoted text is YAML; everything else is text as
/// it stands, so that a colon or a number sign in it needs no quotes.
fn read_value(text: &str) -> Result<Node, Problem> {
    if !text.starts_with(['[', '{', '"', '\'']) {
        let data = Data::Scalar { text: text.to_owned(), plain: true };
        return Ok(Node { place: Place::CommandLine, data });
    }
    let mut problems = Vec::new();
    let place = |_, _| Place::CommandLine;
    let node = Node::read(text, &place, &mut problems)
        .map_err(|problem| wrong(problem.path, format!("{text}: {}", problem.message)))?;
    match problems.pop() {
        None => Ok(node),
        Some(problem) => Err(problem),
    }
}

/// The place inside `node` that a step leads to, made if it is not there.
fn enter<'a>(node: &'a mut Node, step: Typed, path: &mut Path) -> Result<&'a mut Node, Problem> {
    let nothing = || Node {
        place: Place::CommandLine,
        data: Data::Scalar { text: String::new(), plain: true },
    };
    if node.is_null() {
        node.place = Place::CommandLine;
        node.data = match step {
            Typed::Key(_) => Data::Map(Vec::new()),
            Typed::Index(_) | Typed::End => Data::List(Vec::new()),
        };
    }
    let described = node.describe();
    match (&mut node.data, step) {
        (Data::Map(entries), Typed::Key(key)) => {
            path.0.push(Step::Key(key.clone()));
            let at = entries.iter().position(|entry| entry.key == key).unwrap_or_else(|| {
                entries.push(Entry { key, place: Place::CommandLine, value: nothing() });
                entries.len() - 1
            });
            Ok(&mut entries[at].value)
        }
        (Data::List(items), step @ (Typed::Index(_) | Typed::End)) => {
            let count = items.len();
            let index = if let Typed::Index(index) = step { index } else { count };
            if index > count {
                let message = format!("has {count} items, so there is no [{index}]; [] appends");
                return Err(wrong(path.clone(), message));
            }
            if index == count {
                items.push(nothing());
            }
            path.0.push(Step::Index(index));
            Ok(&mut items[index])
        }
        (_, step) => {
            let needed = if matches!(step, Typed::Key(_)) { "mapping" } else { "list" };
            Err(wrong(path.clone(), format!("is {described}, and no {needed} to go into")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(node: &Node) -> String {
        match &node.data {
            Data::List(items) => {
                format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", "))
            }
            Data::Map(entries) => {
                let entry = |entry: &Entry| format!("{}: {}", entry.key, show(&entry.value));
                format!("{{{}}}", entries.iter().map(entry).collect::<Vec<_>>().join(", "))
            }
            _ => node.describe(),
        }
    }

    fn after(options: &[&str]) -> Result<String, String> {
        let mut problems = Vec::new();
        let mut tree =
            Node::read("a: 1\nl: [x]\nn:\n", &|_, _| Place::CommandLine, &mut problems).unwrap();
        for option in options {
            set(&mut tree, option).map_err(|problem| problem.to_string())?;
        }
        Ok(show(&tree))
    }

    #[test]
    fn a_value_takes_the_place_of_one_or_comes_to_it() {
        for (options, text) in [
            (&["a=2"][..], "{a: 2, l: [x], n: nothing}"),
            (&["b.c=true"], "{a: 1, l: [x], n: nothing, b: {c: true}}"),
            (&["l[0]=y", "l[]=z", "l[2]=u"], "{a: 1, l: [y, z, u], n: nothing}"),
            (&["n[].d.r=x: y # z"], "{a: 1, l: [x], n: [{d: {r: x: y # z}}]}"),
            (&["l=[]"], "{a: 1, l: [], n: nothing}"),
            (&["l[]={p: [q]}"], "{a: 1, l: [x, {p: [q]}], n: nothing}"),
            (&["n.k8s\\.io=1"], "{a: 1, l: [x], n: {k8s.io: 1}}"),
            (&["a='true'"], "{a: the text \"true\", l: [x], n: nothing}"),
            (&["a="], "{a: nothing, l: [x], n: nothing}"),
            (&["a = b = c"], "{a: b = c, l: [x], n: nothing}"),
        ] {
            assert_eq!(after(options).as_deref(), Ok(text), "{options:?}");
        }
    }

    #[test]
    fn a_wrong_option_is_told() {
        for option in ["a", "=1", "a..b=1", "a.=1", "a[x]=1", "a[0=1", "l[0]b=1", "a\\"] {
            let error = after(&[option]).unwrap_err();
            assert!(error.starts_with(&format!("-o {option}: not of the form")), "{error}");
        }
        assert_eq!(
            after(&["l[3]=1"]).unwrap_err(),
            "-o l: has 1 items, so there is no [3]; [] appends"
        );
        assert_eq!(after(&["a.b=1"]).unwrap_err(), "-o a: is 1, and no mapping to go into");
        assert_eq!(after(&["l.b=1"]).unwrap_err(), "-o l: is a list, and no mapping to go into");
        assert!(after(&["l=[1"]).unwrap_err().starts_with("-o [1: this is not YAML"));
    }
}
