//! What the documents say, and whether it is so.

use std::path::Path;

use super::Finding;
use super::tree::Tree;

/// What people read.
const DOCUMENTS: &[&str] = &[".md"];

/// Where links of documents and manifests may lead: pages that stay, and names made for examples.
const HOSTS: &[&str] = &[
    "127.0.0.1",
    "docs.kernel.org",
    "docs.rs",
    "example.com",
    "falco.org",
    "github.com",
    "json.schemastore.org",
    "keepachangelog.com",
    "localhost",
    "rustup.rs",
    "semver.org",
    "www.apache.org",
    "www.conventionalcommits.org",
    "www.rust-lang.org",
];

/// Each relative link leads to a file, and to a heading where it names one. A link whose text is
/// a name in backticks leads to a file that holds that name: so a document that cites the test
/// that pins a sentence is wrong as soon as the test is renamed.
pub(super) fn links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, document) in tree.texts(DOCUMENTS) {
        for Link { line, text, target } in links_of(document) {
            let mut find = |advice| findings.push(Finding::new(format!("{name}:{line}"), advice));
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            let Some(file) = resolve(name, path) else {
                find(format!("{target} leads out of the repository"));
                continue;
            };
            if !file.is_empty() && !tree.has(&file) {
                find(format!("there is no {file}"));
                continue;
            }
            let content = tree.text(&file).unwrap_or_default();
            if !heading.is_empty() && !headings(content).any(|slug| slug == heading) {
                find(format!("{file} has no heading #{heading}"));
            }
            if let Some(cited) = cited_name(text)
                && file.ends_with(".rs")
                && !content.contains(cited)
            {
                find(format!("{file} does not hold {cited}"));
            }
        }
    }
    findings
}

/// Documents, manifests and scripts send nobody to an address that will not stay.
pub(super) fn addresses(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, text) in tree.texts(&[".md", ".toml", ".yml", ".sh", "Makefile", ".ci/run"]) {
        let made_up = name.starts_with("testdata/") || name.starts_with("rules/");
        for (number, line) in text.lines().enumerate().filter(|_| !made_up) {
            for (at, _) in line.match_indices("://") {
                let rest = &line[at + 3..];
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && !"-.".contains(c));
                let host = rest[..end.unwrap_or(rest.len())].trim_end_matches('.');
                let web = line[..at].ends_with("http") || line[..at].ends_with("https");
                if web && !host.is_empty() && !HOSTS.contains(&host) {
                    let place = format!("{name}:{}", number + 1);
                    findings.push(Finding::new(
                        place,
                        format!("{host} is not in xtask's list of hosts"),
                    ));
                }
            }
        }
    }
    findings
}

/// The code map names each crate's folder.
pub(super) fn code_map(tree: &Tree) -> Vec<Finding> {
    let map = tree.text("ARCHITECTURE.md").unwrap_or_default();
    let folders = tree.members().filter_map(|package| {
        let manifest = tree.relative(package["manifest_path"].as_str()?);
        manifest.strip_suffix("/Cargo.toml")
    });
    folders
        .filter(|folder| !map.contains(&format!("`{folder}/`")))
        .map(|folder| Finding::new("ARCHITECTURE.md", format!("the code map lacks `{folder}/`")))
        .collect()
}

/// There is a place for what the next release brings.
pub(super) fn changelog(tree: &Tree) -> Vec<Finding> {
    match tree.text("CHANGELOG.md") {
        Some(text) if text.lines().any(|line| line == "## [Unreleased]") => Vec::new(),
        _ => vec![Finding::new("CHANGELOG.md", "has no heading '## [Unreleased]'")],
    }
}

/// No file, objects included, knows where the repository happens to lie.
pub(super) fn machine_paths(tree: &Tree) -> Vec<Finding> {
    let root = tree.root.as_os_str().as_encoded_bytes();
    // A root such as /src is too short to be told from other text.
    if root.len() < 8 {
        return Vec::new();
    }
    let holds = |bytes: &[u8]| bytes.windows(root.len()).any(|window| window == root);
    tree.files()
        .filter(|(_, bytes)| holds(bytes))
        .map(|(name, _)| Finding::new(name, "holds a path of this machine"))
        .collect()
}

struct Link<'a> {
    line: usize,
    text: &'a str,
    target: &'a str,
}

/// The inline links of a document. Fenced code has none.
fn links_of(document: &str) -> Vec<Link<'_>> {
    let mut links = Vec::new();
    let mut fenced = false;
    for (number, line) in document.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
        }
        if fenced {
            continue;
        }
        for (at, _) in line.match_indices("](") {
            let (before, after) = (&line[..at], &line[at + 2..]);
            if let (Some(open), Some(close)) = (before.rfind('['), after.find(')')) {
                let (text, target) = (&before[open + 1..], &after[..close]);
                links.push(Link { line: number + 1, text, target });
            }
        }
    }
    links
}

/// The path from the root of what `document` calls `link`; `None` where that is outside. A link
/// without a path means the document itself.
fn resolve(document: &str, link: &str) -> Option<String> {
    if link.is_empty() {
        return Some(document.into());
    }
    let folder = Path::new(document).parent().and_then(Path::to_str).unwrap_or_default();
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of a document's headings, as the forges make them.
fn headings(document: &str) -> impl Iterator<Item = String> {
    document.lines().filter(|line| line.starts_with('#')).map(|line| {
        let text = line.trim_start_matches('#').trim().to_lowercase();
        let kept = text.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        kept.map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

/// The last part of a name in backticks.
fn cited_name(text: &str) -> Option<&str> {
    let name = text.strip_prefix('`')?.strip_suffix('`')?.rsplit("::").next()?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    is_name.then_some(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn places(findings: &[Finding]) -> Vec<&str> {
        findings.iter().map(|finding| finding.place.as_str()).collect()
    }

    #[test]
    fn a_link_to_nothing_is_found() {
        let text = "[a](../src/a.rs) [b](b.md#two-words)\n[c](../../c) [d](d.md)\n[e](#no)\n\
                    ```\n[f](nothing)\n```\n";
        let tree =
            Tree::of(&[("docs/a.md", text), ("docs/b.md", "## Two words!\n"), ("src/a.rs", "")]);
        assert_eq!(places(&links(&tree)), ["docs/a.md:2", "docs/a.md:2", "docs/a.md:3"]);
    }

    #[test]
    fn a_cited_test_must_exist() {
        let text = "[`tests::it_holds`](a.rs)\n[`it_held`](a.rs)\n[see there](a.rs)\n";
        let tree = Tree::of(&[("d.md", text), ("a.rs", "fn it_holds() {}\n")]);
        assert_eq!(places(&links(&tree)), ["d.md:2"]);
    }

    #[test]
    fn an_address_that_nobody_vouched_for_is_found() {
        let text = "https://github.com/a\nhttp://mirror.example.org:8080/a\nbpf://x\n";
        let tree = Tree::of(&[("a.md", text), ("a.rs", text), ("rules/a.md", text)]);
        assert_eq!(places(&addresses(&tree)), ["a.md:2"]);
    }

    #[test]
    fn a_crate_without_a_place_on_the_map_is_found() {
        let mut tree = Tree::of(&[("ARCHITECTURE.md", "- `one/`: it\n")]);
        tree.metadata = json!({
            "workspace_members": ["1", "2"],
            "packages": [
                {"id": "1", "manifest_path": "one/Cargo.toml"},
                {"id": "2", "manifest_path": "two/Cargo.toml"},
            ],
        });
        let found = code_map(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].advice.contains("`two/`"));
    }

    #[test]
    fn a_changelog_needs_a_place_for_news() {
        assert_eq!(changelog(&Tree::of(&[])).len(), 1);
        assert_eq!(changelog(&Tree::of(&[("CHANGELOG.md", "## [0.1.0]\n")])).len(), 1);
        assert_eq!(changelog(&Tree::of(&[("CHANGELOG.md", "# C\n\n## [Unreleased]\n")])), []);
    }

    #[test]
    fn a_path_of_this_machine_is_found() {
        let text = "at /made/up/place/src/a.rs";
        let mut tree = Tree::of(&[("a.o", text), ("b.o", "at src/a.rs")]);
        tree.root = "/made/up/place".into();
        assert_eq!(places(&machine_paths(&tree)), ["a.o"]);
    }
}
