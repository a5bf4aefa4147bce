//! What rule files say they need: a version of Falco's engine, and plugins.

use std::fmt;

use super::diagnostic::Span;

/// The version of Falco's rule engine whose rules are understood here.
pub(super) const ENGINE_VERSION: Version = Version { major: 0, minor: 63, patch: 0 };

/// The plugins of Falco whose fields are built in, each with the version that they are like
/// (`plugins/*/CHANGELOG.md` of falcosecurity/plugins).
///
/// That a file's requirement is met says that its conditions are understood, not that anything
/// answers their fields: which of those nobody answers is a finding when a pipeline is built.
const PLUGINS: &[(&str, Version)] = &[
    ("container", Version { major: 0, minor: 7, patch: 1 }),
    ("k8smeta", Version { major: 0, minor: 4, patch: 1 }),
    ("k8saudit", Version { major: 0, minor: 18, patch: 0 }),
    ("json", Version { major: 0, minor: 7, patch: 4 }),
];

/// A version, `major.minor.patch`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Version {
    major: u32,
    minor: u32,
    patch: u32,
}

impl Version {
    /// The version that Falco means by a number alone: rules once counted engines.
    pub(super) const fn numbered(minor: u32) -> Self {
        Self { major: 0, minor, patch: 0 }
    }

    /// Reads three numbers. As in Falco anything may follow: `1.2.3-rc1` is 1.2.3.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.splitn(3, '.');
        let (major, minor) = (numbers.next()?, numbers.next()?);
        let patch = numbers.next()?;
        let digits = patch.find(|c: char| !c.is_ascii_digit()).unwrap_or(patch.len());
        Some(Self {
            major: major.parse().ok()?,
            minor: minor.parse().ok()?,
            patch: patch.get(..digits)?.parse().ok()?,
        })
    }

    /// Whether what needs `required` works with this version.
    pub(super) fn serves(self, required: Self) -> bool {
        self.major == required.major && self >= required
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { major, minor, patch } = self;
        write!(f, "{major}.{minor}.{patch}")
    }
}

/// A plugin that a file needs, or one of those that will do instead.
#[derive(Clone, Debug)]
pub(super) struct Plugin {
    pub(super) name: String,
    /// As written.
    pub(super) version: String,
    pub(super) span: Span,
}

impl Plugin {
    /// Whether it is built in, and in a version that serves; `None` if there is none of its name.
    fn is_served(&self) -> Option<bool> {
        let (_, there) = PLUGINS.iter().find(|(name, _)| *name == self.name)?;
        Some(Version::parse(&self.version).is_some_and(|required| there.serves(required)))
    }
}

impl fmt::Display for Plugin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.name, self.version)
    }
}

/// Whether a requirement is met: the first of its plugins whose name is known decides.
pub(super) fn is_met(alternatives: &[Plugin]) -> bool {
    alternatives.iter().find_map(Plugin::is_served).unwrap_or(false)
}

/// What is built in, for messages.
pub(super) fn built_in() -> String {
    let plugins = PLUGINS.iter().map(|(name, version)| format!("{name} {version}"));
    plugins.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::diagnostic::FileId;
    use super::*;

    #[test]
    fn versions_read_as_in_falco() {
        let version = |major, minor, patch| Some(Version { major, minor, patch });
        assert_eq!(Version::parse("0.57.0"), version(0, 57, 0));
        assert_eq!(Version::parse("1.2.3-rc1"), version(1, 2, 3));
        for text in ["", "1", "1.2", "1.2.", "a.b.c", "1.2.x", "-1.2.3"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_first_known_plugin_decides() {
        let plugin = |(name, version): &(&str, &str)| Plugin {
            name: (*name).to_owned(),
            version: (*version).to_owned(),
            span: Span { file: FileId(0), range: 0..0 },
        };
        for (plugins, met) in [
            (&[("container", "0.4.0")][..], true),
            (&[("container", "1.0.0")], false),
            (&[("cloudtrail", "0.1.0")], false),
            (&[("cloudtrail", "0.1.0"), ("json", "0.7.0")], true),
            (&[("container", "9.0.0"), ("json", "0.7.0")], false),
        ] {
            let plugins: Vec<_> = plugins.iter().map(plugin).collect();
            assert_eq!(is_met(&plugins), met, "{plugins:?}");
        }
    }
}
