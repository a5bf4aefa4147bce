//! The one table of cgroup paths that container runtimes make.
//!
//! A path is read from its end, so that the innermost container wins (a pod in a node that is
//! itself a container). Each component is shown to each form in turn. What no form knows is the
//! host's: slices, services, user sessions.

/// What a cgroup path tells about a container.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    /// The whole id.
    pub(crate) full_id: Box<str>,
    /// The runtime that makes such paths.
    pub(crate) runtime: &'static str,
    /// The pod's uid, as the API server writes it.
    pub(crate) pod_uid: Option<Box<str>>,
}

impl Identity {
    /// Falco's short form: 12 characters of a generated id, the whole of a name.
    pub(crate) fn short_id(&self) -> &str {
        short(&self.full_id)
    }
}

/// The short form of an id: see [`Identity::short_id`].
pub(super) fn short(id: &str) -> &str {
    id.get(..SHORT).filter(|_| is_generated(id)).unwrap_or(id)
}

/// How long a short id is.
pub(super) const SHORT: usize = 12;

/// One form: the runtime, and what it sees in a component, given those above it (outermost first).
struct Form {
    runtime: &'static str,
    id: for<'p> fn(component: &'p str, above: &[&str]) -> Option<&'p str>,
}

/// The table. More specific forms come first.
const FORMS: &[Form] = &[
    // systemd driver: a scope a container.
    Form { runtime: "containerd", id: |c, _| scope(c, "cri-containerd-") },
    Form { runtime: "containerd", id: |c, _| scope(c, "nerdctl-") },
    // CRI-O's monitor is `crio-conmon-<id>.scope`: no id stands behind `crio-`, so it is none.
    Form { runtime: "cri-o", id: |c, _| scope(c, "crio-") },
    Form { runtime: "docker", id: |c, _| scope(c, "docker-") },
    // Podman's processes are in `container` below it; its monitor is `libpod-conmon-<id>.scope`.
    Form { runtime: "podman", id: |c, _| scope(c, "libpod-") },
    // cgroupfs driver: podman.
    Form { runtime: "podman", id: |c, _| generated(c.strip_prefix("libpod-")?) },
    // A systemd path that was given to the cgroupfs driver: `<slice>:<prefix>:<id>`.
    Form { runtime: "containerd", id: |c, _| colons(c, "cri-containerd") },
    Form { runtime: "cri-o", id: |c, _| colons(c, "crio") },
    Form { runtime: "docker", id: |c, _| colons(c, "docker") },
    // cgroupfs driver: a folder of the runtime's, then the id.
    Form { runtime: "docker", id: |c, above| below(above, "docker").and(generated(c)) },
    Form { runtime: "podman", id: |c, above| below(above, "libpod_parent").and(generated(c)) },
    Form { runtime: "ecs", id: |c, above| within(above, "ecs").and(generated(c)) },
    // cgroupfs driver of the kubelet: the pod's folder does not say whose the container is.
    Form { runtime: "cri", id: |c, above| pod_of(above.last()?).and(generated(c)) },
    // containerd's own client: `/<namespace>/<id>`, where the id is any name.
    Form { runtime: "containerd", id: |c, above| below(above, "k8s.io").and(name(c)) },
    Form { runtime: "containerd", id: |c, above| top_below(above, "default").and(name(c)) },
    // LXC; its monitors are in `lxc.monitor.<name>`.
    Form { runtime: "lxc", id: |c, _| name(c.strip_prefix("lxc.payload.")?) },
    Form { runtime: "lxc", id: |c, above| top_below(above, "lxc").and(name(c)) },
    Form { runtime: "lxc", id: |c, above| top_below(above, "lxc.payload").and(name(c)) },
    // Whatever else has such a name was made for a container (`--cgroup-parent`, build tools).
    Form { runtime: "oci", id: |c, _| sixty_four_hex(c) },
];

/// The container that a process in these cgroups belongs to: `subsystem=path`, separated by blanks
/// as `thread.cgroups` is. On a hybrid hierarchy the path that leads deepest decides. `None`: none, the process is the host's.
pub(crate) fn of_cgroups(cgroups: &[u8]) -> Option<Identity> {
    let paths = cgroups.split(|&byte| byte == b' ').filter_map(|cgroup| {
        let equals = cgroup.iter().position(|&byte| byte == b'=')?;
        std::str::from_utf8(cgroup.get(equals + 1..)?).ok()
    });
    // The first of equal depth wins, so that the order of the subsystems decides ties.
    let deepest = paths.filter_map(of_path).reduce(|a, b| if b.0 > a.0 { b } else { a })?;
    Some(deepest.1)
}

/// The container that a path names, and how deep in the path.
fn of_path(path: &str) -> Option<(usize, Identity)> {
    let path = path.strip_suffix(" (deleted)").unwrap_or(path);
    // From inside a cgroup namespace, what lies outside begins with `/..`.
    let components: Vec<&str> =
        path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect();
    for (depth, component) in components.iter().enumerate().rev() {
        let above = &components[..depth];
        for form in FORMS {
            if let Some(id) = (form.id)(component, above) {
                let pod_uid = components[..=depth].iter().rev().find_map(|part| pod_of(part));
                let full_id = id.into();
                return Some((depth, Identity { full_id, runtime: form.runtime, pod_uid }));
            }
        }
    }
    None
}

/// `<prefix><id>.scope`
fn scope<'p>(component: &'p str, prefix: &str) -> Option<&'p str> {
    generated(component.strip_prefix(prefix)?.strip_suffix(".scope")?)
}

/// `<slice>:<prefix>:<id>`
fn colons<'p>(component: &'p str, prefix: &str) -> Option<&'p str> {
    let (slice, rest) = component.split_once(':')?;
    let (found, id) = rest.split_once(':')?;
    if slice.ends_with(".slice") && found == prefix { name(id) } else { None }
}

/// Whether the component stands in the folder `folder`.
fn below(above: &[&str], folder: &str) -> Option<()> {
    (*above.last()? == folder).then_some(())
}

/// Whether the component stands in `folder` or deeper in it.
fn within(above: &[&str], folder: &str) -> Option<()> {
    above.contains(&folder).then_some(())
}

/// As [`below`], for folders with such a common name that they count only at the top of the
/// hierarchy, or right below another container.
fn top_below(above: &[&str], folder: &str) -> Option<()> {
    below(above, folder)?;
    let outside = above.len().checked_sub(2).and_then(|i| above.get(i));
    outside.is_none_or(|outside| is_container(outside)).then_some(())
}

fn is_container(component: &str) -> bool {
    let bare = component.strip_suffix(".scope").unwrap_or(component);
    let id = bare.rsplit(['-', ':']).next().unwrap_or(bare);
    sixty_four_hex(id).is_some()
}

/// An id that a runtime generated: 64 hexadecimal digits, or, on ECS, 32 and a decimal number.
fn generated(id: &str) -> Option<&str> {
    is_generated(id).then_some(id)
}

fn is_generated(id: &str) -> bool {
    let task = |(task, n): (&str, &str)| {
        task.len() == 32 && is_hex(task) && !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit())
    };
    sixty_four_hex(id).is_some() || id.split_once('-').is_some_and(task)
}

fn sixty_four_hex(id: &str) -> Option<&str> {
    (id.len() == 64 && is_hex(id)).then_some(id)
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A name that a person gave, as containerd and LXC allow it; none of systemd's units.
fn name(id: &str) -> Option<&str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let unit = [".slice", ".scope", ".service", ".mount"].iter().any(|unit| id.ends_with(unit));
    (!id.is_empty() && id.bytes().all(allowed) && !unit).then_some(id)
}

/// The uid in a pod's component: `pod<uid>`, or `…-pod<uid>.slice` with `_` for `-`.
fn pod_of(component: &str) -> Option<Box<str>> {
    // A container's component may begin with its slice.
    let component = component.split(':').next().unwrap_or(component);
    let uid = match component.strip_suffix(".slice") {
        Some(slice) => slice.get(slice.rfind("-pod")? + "-pod".len()..)?,
        None => component.strip_prefix("pod")?,
    };
    let uid_byte = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    // The shortest is a static pod's in tests; `pods` and the like are none.
    let right = uid.len() >= 8 && uid.bytes().all(uid_byte);
    right.then(|| uid.replace('_', "-").into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: &str = "3ad7b26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3601e";
    const OUTER: &str = "ffffb26ded6d8e7b23da7d48fe889434573036c27ae5a74837233de441c3ffff";
    const UID: &str = "11d4f4f1-9a3b-4b7f-9a61-0f3a2b1c4d5e";

    /// Runtime, id and pod uid.
    type Told = (&'static str, &'static str, Option<&'static str>);

    /// What paths tell; `<id>`, `<outer>`, `<uid>` and `<u_i_d>` stand for those.
    const ROWS: &[(&str, Option<Told>)] = &[
        // cgroupfs driver.
        ("/kubepods/besteffort/pod<uid>/<id>", Some(("cri", "<id>", Some("<uid>")))),
        ("/kubepods/pod<uid>/<id>", Some(("cri", "<id>", Some("<uid>")))),
        ("/kubepods/burstable/poduid-1234/<id>", Some(("cri", "<id>", Some("uid-1234")))),
        ("/kubepods/besteffort/pod<uid>/<id>/init.scope", Some(("cri", "<id>", Some("<uid>")))),
        // systemd driver.
        (
            "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod<u_i_d>.slice/cri-containerd-<id>.scope",
            Some(("containerd", "<id>", Some("<uid>"))),
        ),
        (
            "/kubepods.slice/kubepods-pod<u_i_d>.slice/crio-<id>.scope",
            Some(("cri-o", "<id>", Some("<uid>"))),
        ),
        (
            "/kubepods.slice/kubepods-pod<u_i_d>.slice/crio-<id>.scope/container",
            Some(("cri-o", "<id>", Some("<uid>"))),
        ),
        ("/kubepods.slice/kubepods-pod<u_i_d>.slice/crio-conmon-<id>.scope", None),
        (
            "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod<u_i_d>.slice/docker-<id>.scope",
            Some(("docker", "<id>", Some("<uid>"))),
        ),
        ("/kubepods.slice/kubepods-pod<u_i_d>.slice", None),
        // Docker.
        ("/system.slice/docker-<id>.scope", Some(("docker", "<id>", None))),
        ("/docker/<id>", Some(("docker", "<id>", None))),
        ("/docker/<id>/system.slice/cron.service", Some(("docker", "<id>", None))),
        ("/my-parent/<id>", Some(("oci", "<id>", None))),
        // Podman.
        ("/machine.slice/libpod-<id>.scope/container", Some(("podman", "<id>", None))),
        ("/machine.slice/libpod-<id>.scope", Some(("podman", "<id>", None))),
        ("/machine.slice/libpod-conmon-<id>.scope", None),
        (
            "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-<id>.scope/container",
            Some(("podman", "<id>", None)),
        ),
        ("/libpod_parent/libpod-<id>", Some(("podman", "<id>", None))),
        ("/libpod_parent/conmon", None),
        // A systemd path given to the cgroupfs driver.
        (
            "/system.slice/containerd.service/kubepods-burstable-pod<u_i_d>.slice:cri-containerd:<id>",
            Some(("containerd", "<id>", Some("<uid>"))),
        ),
        ("/kubepods-pod<u_i_d>.slice:crio:<id>", Some(("cri-o", "<id>", Some("<uid>")))),
        // Nested: the innermost wins.
        (
            "/docker/<outer>/kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod<u_i_d>.slice/cri-containerd-<id>.scope",
            Some(("containerd", "<id>", Some("<uid>"))),
        ),
        ("/docker/<outer>/kubepods/besteffort/pod<uid>/<id>", Some(("cri", "<id>", Some("<uid>")))),
        ("/kubepods/pod<uid>/<outer>/docker/<id>", Some(("docker", "<id>", Some("<uid>")))),
        (
            "/docker/<outer>/kubelet.slice/kubelet-kubepods-pod<u_i_d>.slice/crio-conmon-<id>.scope",
            Some(("docker", "<outer>", None)),
        ),
        // ECS.
        ("/ecs/0123456789abcdef0123456789abcdef/<id>", Some(("ecs", "<id>", None))),
        ("/ecs/my-cluster/some-task/<id>", Some(("ecs", "<id>", None))),
        (
            "/ecs/0123456789abcdef0123456789abcdef/0123456789abcdef0123456789abcdef-1234567890",
            Some(("ecs", "0123456789abcdef0123456789abcdef-1234567890", None)),
        ),
        // ctr.
        ("/k8s.io/t1", Some(("containerd", "t1", None))),
        ("/k8s.io/<id>", Some(("containerd", "<id>", None))),
        ("/default/web_1.b-2", Some(("containerd", "web_1.b-2", None))),
        ("/docker/<outer>/default/web", Some(("containerd", "web", None))),
        ("/user.slice/default/web", None),
        ("/default", None),
        // LXC.
        ("/lxc/web", Some(("lxc", "web", None))),
        ("/lxc/web/init.scope", Some(("lxc", "web", None))),
        ("/lxc.payload.web", Some(("lxc", "web", None))),
        ("/lxc.payload.web/system.slice/ssh.service", Some(("lxc", "web", None))),
        ("/lxc.payload/web", Some(("lxc", "web", None))),
        ("/lxc.monitor.web", None),
        // From inside a cgroup namespace.
        ("/../../cri-containerd-<id>.scope", Some(("containerd", "<id>", None))),
        ("/../<id>", Some(("oci", "<id>", None))),
        ("/../../pod<uid>/<id>", Some(("cri", "<id>", Some("<uid>")))),
        ("/..", None),
        ("/", None),
        // A container that was removed.
        ("/docker/<id> (deleted)", Some(("docker", "<id>", None))),
        // The host's.
        ("/init.scope", None),
        ("/system.slice/ssh.service", None),
        ("/system.slice/docker.service", None),
        ("/system.slice/containerd.service", None),
        ("/user.slice/user-1000.slice/session-3.scope", None),
        ("/user.slice/user-1000.slice/user@1000.service/app.slice/app-gnome-code-1234.scope", None),
        ("/machine.slice", None),
        ("/kubepods/besteffort", None),
        ("/docker", None),
        ("/docker/buildkit", None),
        ("/lxc", None),
        // Nearly an id.
        ("/docker/3ad7b26ded6d", None),
        ("/docker/3AD7B26DED6D8E7B23DA7D48FE889434573036C27AE5A74837233DE441C3601E", None),
        ("/system.slice/docker-<id>.service", None),
    ];

    fn filled(text: &str) -> String {
        text.replace("<id>", ID)
            .replace("<outer>", OUTER)
            .replace("<uid>", UID)
            .replace("<u_i_d>", &UID.replace('-', "_"))
    }

    fn told(path: &str) -> Option<(String, String, Option<String>)> {
        let Identity { full_id, runtime, pod_uid } = of_path(path)?.1;
        Some((runtime.into(), full_id.into(), pod_uid.map(String::from)))
    }

    #[test]
    fn every_form() {
        for (path, want) in ROWS {
            let want = want.map(|(runtime, id, uid)| (runtime.into(), filled(id), uid.map(filled)));
            assert_eq!(told(&filled(path)), want, "{path}");
        }
    }

    #[test]
    fn version_1_hybrid_and_2() {
        let id = |cgroups: &str| of_cgroups(filled(cgroups).as_bytes()).map(|found| found.full_id);
        let found = Some(Box::from(ID));
        assert_eq!(id("memory=/docker/<id> cpu=/docker/<id>"), found, "version 1");
        assert_eq!(id("unified=/system.slice/docker-<id>.scope"), found, "version 2");
        assert_eq!(id("memory=/docker/<id> unified=/system.slice/docker.service"), found, "hybrid");
        assert_eq!(id("unified=/docker/<outer> memory=/docker/<outer>/docker/<id>"), found);
        assert_eq!(id("memory=/docker/<id> unified=/docker/<outer>"), found, "the first of equals");
        assert_eq!(
            id("memory=/process_api/0a1b/k8s.io/x"),
            Some("x".into()),
            "a prefix of another"
        );
        assert_eq!(id("memory=/ unified=/init.scope"), None);
        assert_eq!(of_cgroups(b""), None);
        assert_eq!(of_cgroups(b"no equals sign = \xff=/\xff"), None);
    }

    #[test]
    fn short_ids() {
        let of = |path: &str| of_path(&filled(path)).unwrap().1.short_id().to_owned();
        assert_eq!(of("/docker/<id>"), "3ad7b26ded6d");
        assert_eq!(of("/lxc/a-container-with-a-name"), "a-container-with-a-name");
    }

    proptest! {
        #[test]
        fn any_text_is_read(path in "(/|\\.|:|-|pod|docker|lxc|k8s.io|é|[a-f0-9]{64}|.slice|.scope){0,12}") {
            let _ = of_path(&path);
        }
    }
}
