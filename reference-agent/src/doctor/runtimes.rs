//! Container runtimes, by the sockets that they listen on.

use std::fs;
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use super::Finding;

/// Where runtimes listen, by default. To add one, add a row.
const SOCKETS: &[(&str, &str)] = &[
    ("containerd", "run/containerd/containerd.sock"),
    ("containerd (k3s, RKE2)", "run/k3s/containerd/containerd.sock"),
    ("containerd (k0s)", "run/k0s/containerd.sock"),
    ("containerd (MicroK8s)", "var/snap/microk8s/common/run/containerd.sock"),
    ("containerd (Docker)", "run/docker/containerd/containerd.sock"),
    ("CRI-O", "run/crio/crio.sock"),
    ("Docker", "run/docker.sock"),
    ("cri-dockerd", "run/cri-dockerd.sock"),
    ("Podman", "run/podman/podman.sock"),
    ("LXD", "var/snap/lxd/common/lxd/unix.socket"),
    ("Incus", "var/lib/incus/unix.socket"),
];

pub(super) fn examine(root: &Path) -> Vec<Finding> {
    let is_socket = |path: &Path| fs::metadata(path).is_ok_and(|meta| meta.file_type().is_socket());
    let sockets = SOCKETS.iter().map(|&(name, path)| (name.to_owned(), root.join(path)));
    let found: Vec<Finding> = sockets
        .chain(rootless_podman(root))
        .filter(|(_, path)| is_socket(path))
        .map(|(name, path)| Finding::ok(name, format!("listens on {}", path.display())))
        .collect();
    if !found.is_empty() {
        return found;
    }
    let nothing = format!("none of {} known sockets is under {}", SOCKETS.len(), root.display());
    vec![Finding::note("none found", nothing).fix(
        "containers are found by their cgroups all the same; inside a container, mount the host's \
         / and say where with HOST_ROOT",
    )]
}

/// Each user has a socket of their own.
fn rootless_podman(root: &Path) -> impl Iterator<Item = (String, std::path::PathBuf)> {
    let users = fs::read_dir(root.join("run/user")).into_iter().flatten().flatten();
    users.map(|user| {
        let name = format!("Podman of user {}", user.file_name().to_string_lossy());
        (name, user.path().join("podman/podman.sock"))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::super::State;
    use super::*;

    #[test]
    fn sockets_count_and_files_do_not() {
        let root = tempfile::tempdir().unwrap();
        for folder in ["run/containerd", "run/crio", "run/user/1000/podman"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        fs::write(root.path().join("run/crio/crio.sock"), "").unwrap();
        assert_eq!(examine(root.path())[0].state, State::Note);

        let listen = |path: &str| UnixListener::bind(root.path().join(path)).unwrap();
        let _containerd = listen("run/containerd/containerd.sock");
        let _podman = listen("run/user/1000/podman/podman.sock");
        let found = examine(root.path());
        let names: Vec<_> = found.iter().map(|finding| &*finding.what).collect();
        assert_eq!(names, ["containerd", "Podman of user 1000"]);
    }
}
