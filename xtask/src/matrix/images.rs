//! Kernels of Debian: which package has one, and the kernel out of it.
//!
//! They come through apt with folders of its own, so that nothing of the machine's apt changes,
//! from the archive that the machine's apt is configured for.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context, bail, ensure};

use crate::cargo::output;

/// Releases of Debian that have kernels for us: 5.10, 6.1, 6.12, and newer ones.
const SUITES: [&str; 4] = ["bullseye", "bookworm", "trixie", "trixie-backports"];
/// Where releases of Debian keep the keys that their archive is signed with.
const KEYRINGS: [&str; 2] = [
    "/usr/share/keyrings/debian-archive-keyring.pgp",
    "/usr/share/keyrings/debian-archive-keyring.gpg",
];
/// The kernels for virtual machines: small, and all that we need is built in. Of newer ones the
/// file itself is in the package `binary`.
const PACKAGES: &str = "^linux-(image|binary)-[0-9].*-cloud-amd64$";

/// A series of kernels, or the newest that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    Of(u32, u32),
    Newest,
}

impl FromStr for Series {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> anyhow::Result<Self> {
        if name == "newest" {
            return Ok(Self::Newest);
        }
        let numbers = name.split_once('.');
        let numbers = numbers.and_then(|(a, b)| Some((a.parse().ok()?, b.parse().ok()?)));
        let Some((major, minor)) = numbers else {
            bail!("{name:?} is no series of kernels, such as 6.12, and not `newest`");
        };
        Ok(Self::Of(major, minor))
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(major, minor) => write!(f, "{major}.{minor}"),
            Self::Newest => f.write_str("newest"),
        }
    }
}

/// A kernel that can boot.
#[derive(Debug)]
pub(super) struct Image {
    /// The package that it came in.
    pub(super) package: String,
    /// The file.
    pub(super) kernel: PathBuf,
}

impl Image {
    /// What to sort by.
    pub(super) fn version(&self) -> Vec<u32> {
        version(&self.package)
    }

    /// One that an earlier call got.
    fn kept(folder: &Path) -> Option<Self> {
        let package = fs::read_to_string(folder.join("package")).ok()?;
        let kernel = folder.join("vmlinuz");
        kernel.exists().then_some(Self { package, kernel })
    }
}

/// The kernels of these series, from `folder`/kernels/ or else from the archive.
pub(super) fn get(
    folder: &Path,
    wanted: impl Iterator<Item = Series>,
) -> anyhow::Result<Vec<Image>> {
    let mut apt: Option<Apt> = None;
    let mut images = Vec::new();
    for series in wanted {
        let place = folder.join("kernels").join(series.to_string());
        if let Some(image) = Image::kept(&place) {
            images.push(image);
            continue;
        }
        let apt = match &apt {
            Some(apt) => apt,
            None => apt.insert(Apt::new(&folder.join("apt"))?),
        };
        let package = apt.choose(series)?;
        println!("{series}: downloads {package}");
        apt.extract(&package, &place).with_context(|| format!("kernel package {package}"))?;
        images.push(Image { package, kernel: place.join("vmlinuz") });
    }
    Ok(images)
}

/// apt with lists and cache of its own.
struct Apt {
    folder: PathBuf,
    /// Names of all kernel packages.
    packages: Vec<String>,
    /// What `apt-get update` complained of: a release may have left the archive, the rest is there.
    complaint: Option<String>,
}

impl Apt {
    fn new(folder: &Path) -> anyhow::Result<Self> {
        let format = "$(REPO_URI) $(RELEASE) $(COMPONENT)";
        let mut targets = Command::new("apt-get");
        targets.args(["indextargets", "--format", format, "Created-By: Packages"]);
        let targets = output(&mut targets).context("kernels come through apt")?;
        let archive = archive(&targets).context(
            "apt has no archive of Debian configured, from which the kernels could come: run in \
             Debian (a container will do), or put vmlinuz and the name of its package into \
             target/kernel-matrix/kernels/KERNEL/",
        )?;
        for part in ["lists/partial", "cache/archives/partial"] {
            let part = folder.join(part);
            fs::create_dir_all(&part).with_context(|| part.display().to_string())?;
        }
        let keys = KEYRINGS.iter().find(|path| Path::new(path).exists());
        let keys = keys.map_or(String::new(), |path| format!("[signed-by={path}] "));
        let lines = SUITES.map(|suite| format!("deb {keys}{archive} {suite} main\n"));
        fs::write(folder.join("sources.list"), lines.concat())?;

        let mut apt = Self { folder: folder.to_owned(), packages: Vec::new(), complaint: None };
        println!("kernels: reads the archive's lists");
        apt.complaint = output(apt.command("apt-get").args(["-qq", "update"]))
            .err()
            .map(|error| format!("{error:#}"));
        let mut search = apt.command("apt-cache");
        let found = output(search.args(["search", "--names-only", PACKAGES]))?;
        let names = found.lines().filter_map(|line| line.split(' ').next());
        apt.packages = names.map(str::to_owned).collect();
        Ok(apt)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        let folder = self.folder.display();
        for option in [
            format!("Dir::Etc::sourcelist={folder}/sources.list"),
            "Dir::Etc::sourceparts=/dev/null".to_owned(),
            format!("Dir::State::lists={folder}/lists"),
            format!("Dir::Cache={folder}/cache"),
            // The folder may be one that only we can enter.
            "APT::Sandbox::User=root".to_owned(),
            // Only the lists of packages.
            "Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false".to_owned(),
            "Acquire::IndexTargets::deb::Translations::DefaultEnabled=false".to_owned(),
        ] {
            command.args(["-o", &option]);
        }
        command
    }

    fn choose(&self, series: Series) -> anyhow::Result<String> {
        let complaint = self.complaint.as_deref().unwrap_or("the archive has none");
        let chosen = choose(&self.packages, series);
        Ok(chosen.with_context(|| format!("no kernel {series}: {complaint}"))?.to_owned())
    }

    /// Downloads a package and puts the kernel that it holds into `place`.
    fn extract(&self, package: &str, place: &Path) -> anyhow::Result<()> {
        let scratch = self.folder.join("scratch");
        if scratch.exists() {
            fs::remove_dir_all(&scratch)?;
        }
        let tree = scratch.join("tree");
        fs::create_dir_all(&tree)?;
        let mut download = self.command("apt-get");
        output(download.current_dir(&scratch).args(["-qq", "download", package]))?;
        let files = files(&scratch)?;
        let file = files.iter().find(|path| path.extension().is_some_and(|name| name == "deb"));
        let file = file.context("apt-get left no package")?;
        output(Command::new("dpkg-deb").arg("--extract").args([file, &tree]))?;

        let kernel = kernel_in(&tree)?;
        fs::create_dir_all(place)?;
        fs::copy(&kernel, place.join("vmlinuz"))?;
        // Last: it says that the rest is there.
        fs::write(place.join("package"), package)?;
        fs::remove_dir_all(&scratch)?;
        Ok(())
    }
}

/// The address of Debian's archive among what apt has configured, one `address release component`
/// a line: that of a whole release, not of its updates or security fixes.
fn archive(targets: &str) -> Option<&str> {
    let releases = ["stable", "oldstable", "testing", "unstable", "sid", "forky"];
    targets.lines().find_map(|line| {
        let mut words = line.split(' ');
        let (address, release, component) = (words.next()?, words.next()?, words.next()?);
        let known = SUITES.contains(&release) || releases.contains(&release);
        (known && component == "main").then_some(address)
    })
}

/// The newest package of a series.
fn choose(packages: &[String], series: Series) -> Option<&str> {
    let of_series = |version: &[u32]| match series {
        Series::Of(major, minor) => version.starts_with(&[major, minor]),
        Series::Newest => true,
    };
    packages
        .iter()
        .map(|name| (version(name), name.starts_with("linux-binary-"), name.as_str()))
        .filter(|(version, ..)| of_series(version))
        .max()
        .map(|(.., name)| name)
}

/// The numbers in a package's name up to its flavour.
fn version(package: &str) -> Vec<u32> {
    let version = package.split("-cloud").next().unwrap_or_default();
    version.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect()
}

/// The kernel in an unpacked package.
fn kernel_in(tree: &Path) -> anyhow::Result<PathBuf> {
    let mut candidates = files(&tree.join("boot")).unwrap_or_default();
    candidates.retain(|path| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("vmlinuz-"))
    });
    for modules in files(&tree.join("usr/lib/modules")).unwrap_or_default() {
        candidates.push(modules.join("vmlinuz"));
    }
    let mut kernels = candidates.into_iter().filter(|path| path.exists());
    let kernel = kernels.next().context("there is no vmlinuz in boot/ or usr/lib/modules/*/")?;
    ensure!(kernels.next().is_none(), "there is more than one vmlinuz");
    Ok(kernel)
}

fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).with_context(|| folder.display().to_string())?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_package_of_a_series_is_chosen_by_numbers() {
        let packages = [
            "linux-image-5.10.0-32-cloud-amd64",
            "linux-image-5.10.0-9-cloud-amd64",
            "linux-image-6.1.0-56-cloud-amd64",
            "linux-image-6.12.117+deb12-cloud-amd64",
            "linux-image-6.12.117+deb13-cloud-amd64",
            "linux-image-6.12.9+deb13-cloud-amd64",
            "linux-binary-7.3.4+deb13-cloud-amd64",
            "linux-image-7.3.4+deb13-cloud-amd64",
        ]
        .map(str::to_owned);
        let choose = |name: &str| choose(&packages, name.parse().unwrap());
        assert_eq!(choose("5.10"), Some("linux-image-5.10.0-32-cloud-amd64"));
        assert_eq!(choose("6.1"), Some("linux-image-6.1.0-56-cloud-amd64"));
        assert_eq!(choose("6.12"), Some("linux-image-6.12.117+deb13-cloud-amd64"));
        // Of newer kernels the image package only refers to the one with the file.
        assert_eq!(choose("newest"), Some("linux-binary-7.3.4+deb13-cloud-amd64"));
        assert_eq!(choose("6.2"), None);
    }

    #[test]
    fn the_archive_is_that_of_a_whole_release_of_debian() {
        let targets = "proxy:/ubuntu/ noble main\n\
            proxy:/debian-security/ bookworm-security main\n\
            proxy:/debian/ bookworm-updates main\n\
            proxy:/debian/ bookworm contrib\n\
            proxy:/debian/ bookworm main\n";
        assert_eq!(archive(targets), Some("proxy:/debian/"));
        assert_eq!(archive("proxy:/ubuntu/ noble main\nbroken\n\n"), None);
    }

    #[test]
    fn a_kernel_is_found_where_either_kind_of_package_has_it() {
        let folder = tempfile::tempdir().unwrap();
        let tree = folder.path();
        assert!(kernel_in(tree).is_err());
        let inner = tree.join("usr/lib/modules/7.3.4");
        fs::create_dir_all(&inner).unwrap();
        fs::write(inner.join("vmlinuz"), "").unwrap();
        assert_eq!(kernel_in(tree).unwrap(), inner.join("vmlinuz"));
        fs::create_dir_all(tree.join("boot")).unwrap();
        fs::write(tree.join("boot/vmlinuz-6.1"), "").unwrap();
        assert!(kernel_in(tree).unwrap_err().to_string().contains("more than one"));
        fs::remove_file(inner.join("vmlinuz")).unwrap();
        assert_eq!(kernel_in(tree).unwrap(), tree.join("boot/vmlinuz-6.1"));
    }
}
