//! The container that Falco finds in a cgroup path.
//!
//! For recordings of Falco's and sysdig's only: a rule judged on one should say what it says there.
//! [`forms`](super::forms) is what the kernel's own words are read with; it knows more
//! and guesses less. Where they differ: Falco takes whatever stands below a folder for a container of
//! containerd's (`/user.slice/x/y` is the container `x/y`), does not see one from the folders that
//! it made inside (`/docker/<id>/init.scope`), and goes by the first path in which it sees any.
//! Facts: `src/matchers/*.cpp` of the container plugin.

use super::forms::SHORT;

/// What Falco makes of the cgroups of a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'p> {
    pub(super) id: &'p str,
    /// The runtime, where the path is all that Falco ever knows of such a container.
    pub(super) runtime: Option<&'static str>,
}

/// In cgroups as `thread.cgroups` has them: `subsystem=path`, separated by blanks. `None`: the
/// thread is the host's.
pub(super) fn of_cgroups(cgroups: &[u8]) -> Option<Found<'_>> {
    let paths = cgroups.split(|&byte| byte == b' ').filter_map(|cgroup| {
        let equals = cgroup.iter().position(|&byte| byte == b'=')?;
        std::str::from_utf8(cgroup.get(equals + 1..)?).ok()
    });
    paths.filter_map(of_path).find(|found| !found.id.is_empty())
}

/// The runtimes in the order in which they are tried.
fn of_path(path: &str) -> Option<Found<'_>> {
    let id = |id| Found { id, runtime: None };
    let alone = |runtime| move |id| Found { id, runtime: Some(runtime) };
    let generated = GENERATED.iter().find_map(|&(prefix, suffix)| generated(path, prefix, suffix));
    generated
        .map(id)
        .or_else(|| containerd(path).map(id))
        .or_else(|| lxc(path).map(alone("lxc")))
        .or_else(|| libvirt(path).map(alone("libvirt-lxc")))
        .or_else(|| bpm(path).map(alone("bpm")))
}

/// What stands before and behind a generated id, up to the end of the path.
const GENERATED: &[(&str, &str)] = &[
    // podman
    ("/libpod-", ".scope"),
    ("/libpod-", ".scope/container"),
    ("/libpod-", ""),
    ("/libpod-payload-", ".scope"),
    ("/libpod-payload-", ".scope/container"),
    ("/libpod-payload-", ""),
    // docker
    ("/", ""),
    ("/docker-", ".scope"),
    // cri
    ("/crio-", ""),
    ("/cri-containerd-", ".scope"),
    ("/crio-", ".scope"),
    (":cri-containerd:", ""),
    ("/nerdctl-", ".scope"),
];

/// How long a generated id is.
const WHOLE: usize = 64;

fn generated<'p>(path: &'p str, prefix: &str, suffix: &str) -> Option<&'p str> {
    let start = path.rfind(prefix)? + prefix.len();
    let end = if suffix.is_empty() { path.len() } else { path.rfind(suffix)? };
    let id = path.get(start..end).filter(|id| id.len() == WHOLE)?;
    // Falco compares the place of a wrong character in the path with the length of an id: it finds
    // only those among the first.
    let wrong = path.bytes().skip(start).position(|byte| !byte.is_ascii_hexdigit());
    let wrong = wrong.map(|place| start + place).filter(|&place| place < WHOLE);
    wrong.is_none().then_some(id).and_then(|id| id.get(..SHORT))
}

/// What stands in the first folder whose name may be a namespace of containerd's, if it is no unit
/// of systemd's.
fn containerd(path: &str) -> Option<&str> {
    let mut before = path.find('/')?;
    let namespace = loop {
        let rest = path.get(before + 1..)?;
        let after = before + 1 + rest.find('/')?;
        if is_namespace(path.get(before + 1..after)?) {
            break path.get(before..=after)?;
        }
        before = after;
    };
    let id = path.get(path.rfind(namespace)? + namespace.len()..)?;
    let is_unit = [".service", ".slice", ".scope"].iter().any(|unit| path.ends_with(unit));
    if id.len() > WHOLE || id.is_empty() || is_unit {
        return None;
    }
    Some(cut(id))
}

/// Words of letters and digits, with one of `._-` between them.
fn is_namespace(name: &str) -> bool {
    name.split(['.', '_', '-'])
        .all(|word| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric()))
}

/// The first 12 bytes, or as many as are whole characters.
fn cut(id: &str) -> &str {
    let end = (0..=SHORT.min(id.len())).rev().find(|&end| id.is_char_boundary(end));
    id.get(..end.unwrap_or_default()).unwrap_or(id)
}

fn lxc(path: &str) -> Option<&str> {
    let below = |folder: &str| path.get(path.find(folder)? + folder.len()..);
    let rest = ["/lxc/", "/lxc.payload/", "/lxc.payload."].into_iter().find_map(below)?;
    rest.split('/').next()
}

fn libvirt(path: &str) -> Option<&str> {
    if let Some(before) = path.strip_suffix(".libvirt-lxc")
        && !before.contains(".libvirt-lxc")
        && let Some(slash) = path.rfind('/')
    {
        return before.get(slash + 1..);
    }
    // `/machine.slice/machine-lxc\x2d2293906\x2dweb.scope`, and `/libvirt` below it.
    const ESCAPED: &str = "-lxc\\x2";
    if let Some(place) = path.find(ESCAPED) {
        let end = match path.contains(".scope/libvirt") {
            true => ".scope/libvirt",
            false => ".scope",
        };
        if let Some(place_of_end) = path.find(end)
            && place_of_end + end.len() == path.len()
        {
            // One more: the rest of the escaped character.
            return path.get(place + ESCAPED.len() + 1..place_of_end);
        }
    }
    // Below `/libvirt/lxc/` they are LXC's before they are looked for here.
    None
}

fn bpm(path: &str) -> Option<&str> {
    const PREFIX: &str = "bpm-";
    let rest = path.get(path.find(PREFIX)? + PREFIX.len()..)?;
    let id = rest.split(".scope").next()?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    (!id.is_empty() && id.bytes().all(allowed)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";

    /// Id and runtime.
    type Told = (&'static str, Option<&'static str>);

    /// Paths (`<id>` stands for one) and what Falco makes of them: `runtime` only where it has no
    /// other word on it.
    const ROWS: &[(&str, Option<Told>)] = &[
        ("/system.slice/libpod-<id>", Some(("3ad7b26ded6d", None))),
        ("/system.slice/libpod-<id>.scope", Some(("3ad7b26ded6d", None))),
        ("/machine.slice/libpod-<id>.scope/container", Some(("3ad7b26ded6d", None))),
        ("/a.slice/a@b.service/libpod-payload-<id>", Some(("3ad7b26ded6d", None))),
        ("/docker/<id>", Some(("3ad7b26ded6d", None))),
        ("/kubepods/besteffort/pod1b2c3d4e-5f60-4718/<id>", Some(("3ad7b26ded6d", None))),
        ("/system.slice/docker-<id>.scope", Some(("3ad7b26ded6d", None))),
        ("/k.slice/k-pod1.slice/cri-containerd-<id>.scope", Some(("3ad7b26ded6d", None))),
        ("/k.slice/k-pod1.slice/crio-<id>.scope", Some(("3ad7b26ded6d", None))),
        ("/kubepods/besteffort/pod1/crio-<id>", Some(("3ad7b26ded6d", None))),
        ("/k-pod1.slice:cri-containerd:<id>", Some(("3ad7b26ded6d", None))),
        ("/system.slice/nerdctl-<id>.scope", Some(("3ad7b26ded6d", None))),
        // Hardly an id, but Falco does not see the wrong character behind the 64th.
        ("/docker/<id>0", None),
        ("/a/b/c/d/e/f/3zd7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e", None),
        (
            "/a/b/c/d/e/f/3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601z",
            Some(("3ad7b26ded6d", None)),
        ),
        // Folders of containerd's namespaces, and what Falco takes for them.
        ("/default/test_container", Some(("test_contain", None))),
        ("/default/a", Some(("a", None))),
        ("/a-long.name_1/container.name", Some(("container.na", None))),
        ("/default/<id>", Some(("3ad7b26ded6d", None))),
        ("/default/x.service", None),
        ("/default/x.slice", None),
        ("/default/x.scope", None),
        ("/default/service.x", Some(("service.x", None))),
        ("/system.slice/acts-starts.service0", Some(("acts-starts.", None))),
        ("/user.slice/user-1000.slice/user@1000.service/app", Some(("user-1000.sl", None))),
        ("/user@1000.service/a/b", Some(("b", None))),
        ("/-a/_b/c", None),
        (
            "/a/\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}1\u{e9}",
            Some(("\u{e9}\u{e9}\u{e9}\u{e9}\u{e9}1", None)),
        ),
        ("/docker/<id>/init.scope", None),
        ("/docker", None),
        // LXC.
        ("/lxc/web", Some(("web", None))),
        ("/lxc/web/init.scope", Some(("web", Some("lxc")))),
        ("/lxc.payload.web/init.scope", Some(("web", Some("lxc")))),
        ("/lxc.payload.web", Some(("web", Some("lxc")))),
        ("/lxc/", Some(("", Some("lxc")))),
        // libvirt.
        ("/machine/web.libvirt-lxc", Some(("web.libvirt-", None))),
        ("/a@b/web.libvirt-lxc", Some(("web", Some("libvirt-lxc")))),
        (
            r"/machine.slice/machine-lxc\x2d2293906\x2dweb.scope",
            Some((r"2293906\x2dweb", Some("libvirt-lxc"))),
        ),
        (r"/m@s/machine-lxc\x2d1\x2dw.scope/libvirt", Some((r"1\x2dw", Some("libvirt-lxc")))),
        ("/a@b/libvirt/lxc/web.scope", Some(("web.scope", Some("lxc")))),
        // BPM.
        ("/bpm-web.1_2.scope", Some(("web.1_2", Some("bpm")))),
        ("/bpm-web", Some(("web", Some("bpm")))),
        ("/bpm-we b", None),
        // The host's.
        ("/", None),
        ("", None),
        ("/init.scope", None),
        ("/user.slice/user-1000.slice/session-3.scope", None),
    ];

    #[test]
    fn every_matcher() {
        for (path, want) in ROWS {
            let path = path.replace("<id>", ID);
            let want = want.map(|(id, runtime)| (id.to_owned(), runtime));
            let found = of_path(&path).map(|found| (found.id.to_owned(), found.runtime));
            assert_eq!(found, want, "{path}");
        }
    }

    #[test]
    fn the_first_path_with_a_container_decides() {
        let id = |cgroups: &str| {
            let cgroups = cgroups.replace("<id>", ID);
            of_cgroups(cgroups.as_bytes()).map(|found| found.id.to_owned())
        };
        assert_eq!(id("cpuset=/ cpu=/docker/<id>").as_deref(), Some("3ad7b26ded6d"));
        assert_eq!(id("cpuset=/a/b cpu=/docker/<id>").as_deref(), Some("b"));
        assert_eq!(id("cpuset=/lxc/ cpu=/docker/<id>").as_deref(), Some("3ad7b26ded6d"));
        assert_eq!(id("name=systemd=/docker/<id>").as_deref(), Some("3ad7b26ded6d"));
        assert_eq!(id("cpuset=/ cpu=/user.slice"), None);
        assert_eq!(id(""), None);
        assert_eq!(of_cgroups(b"none =/\xff a=/x/y").map(|found| found.id), Some("y"));
    }

    proptest! {
        #[test]
        fn any_text_is_read(
            path in "(/|\\.|:|-lxc.x2|bpm-|lxc|docker-|é|[a-f0-9]{64}|.slice|.scope|.libvirt-lxc|/libvirt/lxc/){0,12}"
        ) {
            let _ = of_path(&path);
        }
    }
}
