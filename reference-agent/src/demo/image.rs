//! The container's file tree: this machine's files as they are, under a layer that takes all
//! writes and is gone with the container.
//!
//! An overlay of three layers: the machine's `/` at the bottom, never written; over it an image
//! layer with this program as web server and stand-in for programs that the machine lacks, and with
//! user databases that hold no real secret; on top what the container writes. The upper two lie in
//! memory (tmpfs), in a mount namespace that nobody else sees.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nix::mount::{MntFlags, MsFlags, mount, umount2};

/// Programs of the image layer lie here.
pub(super) const PROGRAMS: &str = "/srv";
/// This program, as the container's first process.
pub(super) const WEB_SERVER: &str = "/srv/webserver";
/// Programs that this one can stand in for.
pub(super) const STAND_INS: [&str; 6] = ["sh", "cat", "chmod", "curl", "wget", "id"];

/// Accounts of the image; the hashes are of nobody's password.
const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n";
const SHADOW: &str =
    "root:$6$demo$nobodyhasthispassword:20000:0:99999:7:::\nnobody:*:20000::::::\n";

/// Parts of the system that some machines mount by themselves, which an overlay of `/` would not
/// show.
const SYSTEM_MOUNTS: [&str; 8] =
    ["/usr", "/usr/local", "/bin", "/sbin", "/lib", "/lib64", "/nix", "/gnu"];
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

const NONE: Option<&str> = None;

/// Makes the tree and makes it the root of this process, which has a mount namespace of its own.
pub(super) fn enter() -> Result<()> {
    mount(NONE, "/", NONE, MsFlags::MS_REC | MsFlags::MS_PRIVATE, NONE)
        .context("cannot make mounts private")?;
    let mounts =
        fs::read_to_string("/proc/self/mountinfo").context("cannot read /proc/self/mountinfo")?;
    let base = Path::new("/tmp");
    mount(Some("tmpfs"), base, Some("tmpfs"), MsFlags::empty(), Some("mode=0755"))
        .context("cannot mount a tmpfs for the container's layers")?;
    let [image, upper, work, root] = ["image", "upper", "work", "root"].map(|name| base.join(name));
    for folder in [&image, &upper, &work, &root] {
        make_folder(folder)?;
    }
    fill(&image)?;
    let layers = format!(
        "lowerdir={}:/,upperdir={},workdir={}",
        image.display(),
        upper.display(),
        work.display()
    );
    mount(Some("overlay"), &root, Some("overlay"), MsFlags::empty(), Some(&*layers))
        .context("cannot mount an overlay: the kernel needs overlayfs (modprobe overlay)")?;
    for point in system_mounts(&mounts) {
        bind_read_only(point, &inside(&root, point))?;
    }
    devices(&inside(&root, "/dev"))?;
    make_folder(&inside(&root, "/proc"))?;
    make_folder(&inside(&root, "/tmp"))?;
    become_root(&root)
}

/// The layer between the machine's files and the container's own.
fn fill(image: &Path) -> Result<()> {
    let programs = inside(image, PROGRAMS);
    make_folder(&programs)?;
    let server = inside(image, WEB_SERVER);
    // The file of a running program is readable here also where its path is hidden by now.
    fs::copy("/proc/self/exe", &server).context("cannot copy this program into the image")?;
    set_mode(&server, 0o755)?;
    for name in STAND_INS {
        fs::hard_link(&server, programs.join(name))
            .with_context(|| format!("cannot make the image's {name}"))?;
    }
    let etc = inside(image, "/etc");
    make_folder(&etc)?;
    for (name, text, mode) in [("passwd", PASSWD, 0o644), ("shadow", SHADOW, 0o640)] {
        let file = etc.join(name);
        fs::write(&file, text).with_context(|| format!("cannot write the image's {name}"))?;
        set_mode(&file, mode)?;
    }
    Ok(())
}

/// Which of [`SYSTEM_MOUNTS`] are mount points here, outer ones first.
fn system_mounts(mountinfo: &str) -> Vec<&'static str> {
    let is_mounted =
        |point: &&str| mountinfo.lines().any(|line| line.split(' ').nth(4) == Some(*point));
    SYSTEM_MOUNTS.into_iter().filter(is_mounted).collect()
}

fn bind_read_only(from: &str, to: &Path) -> Result<()> {
    let cannot = || format!("cannot show {from} in the container");
    mount(Some(from), to, NONE, MsFlags::MS_BIND, NONE).with_context(cannot)?;
    let read_only = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    mount(NONE, to, NONE, read_only, NONE).with_context(cannot)
}

/// The devices that any program may expect, and no other.
fn devices(dev: &Path) -> Result<()> {
    make_folder(dev)?;
    mount(Some("tmpfs"), dev, Some("tmpfs"), MsFlags::MS_NOSUID, Some("mode=0755"))
        .context("cannot mount the container's /dev")?;
    for name in DEVICES {
        let (from, to) = (Path::new("/dev").join(name), dev.join(name));
        if from.exists() {
            File::create(&to).with_context(|| format!("cannot make the container's {name}"))?;
            mount(Some(&from), &to, NONE, MsFlags::MS_BIND, NONE)
                .with_context(|| format!("cannot show /dev/{name} in the container"))?;
        }
    }
    Ok(())
}

fn become_root(root: &Path) -> Result<()> {
    let old = root.join(".old");
    make_folder(&old)?;
    rustix::process::pivot_root(root, &old).context("cannot change the root")?;
    std::env::set_current_dir("/").context("cannot change to the new root")?;
    umount2("/.old", MntFlags::MNT_DETACH).context("cannot let go of the old root")?;
    fs::remove_dir("/.old").context("cannot remove the old root's folder")
}

/// `/a/b` below `root`.
fn inside(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

fn make_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}

fn set_mode(file: &Path, mode: u32) -> Result<()> {
    fs::set_permissions(file, Permissions::from_mode(mode))
        .with_context(|| format!("cannot set the mode of {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_system_folders_with_a_mount_of_their_own_are_shown_again() {
        let mountinfo = "1 0 8:1 / / rw - ext4 /dev/sda1 rw\n\
                         2 1 8:2 / /usr rw - ext4 /dev/sda2 rw\n\
                         3 1 8:3 / /home rw - ext4 /dev/sda3 rw\n\
                         broken\n";
        assert_eq!(system_mounts(mountinfo), ["/usr"]);
    }
}
