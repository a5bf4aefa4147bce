//! What a runtime knows of a container, and the JSON in which recordings hold it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use serde::{Deserialize, Deserializer};

use super::forms;

/// What a runtime knows of one container.
///
/// Texts that it does not tell are empty, as in Falco.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ContainerRecord {
    /// The id under which it is found: the first 12 characters of a generated one.
    pub id: Box<str>,
    /// The whole id.
    pub full_id: Box<str>,
    /// The runtime's name: `docker`, `containerd`, ….
    pub runtime: Cow<'static, str>,
    /// The name.
    pub name: Box<str>,
    /// The image as the container was started from it.
    pub image: Box<str>,
    /// The image's id.
    pub image_id: Box<str>,
    /// The image without tag and digest.
    pub image_repository: Box<str>,
    /// The tag of the image.
    pub image_tag: Box<str>,
    /// The digest of the image in its registry.
    pub image_digest: Box<str>,
    /// The first IPv4 address.
    pub ip: Box<str>,
    /// What the network plugin answered, as JSON.
    pub cni_json: Box<str>,
    /// The whole id of the pod's sandbox.
    pub sandbox_id: Box<str>,
    /// Labels of the container.
    pub labels: BTreeMap<Box<str>, Box<str>>,
    /// Labels of the pod.
    pub sandbox_labels: BTreeMap<Box<str>, Box<str>>,
    /// What is mounted into it, in the runtime's order.
    pub mounts: Vec<Mount>,
    /// Whether it is privileged.
    pub privileged: bool,
    /// Whether it shares the node's pid namespace.
    pub host_pid: bool,
    /// Whether it shares the node's network namespace.
    pub host_network: bool,
    /// Whether it shares the node's IPC namespace.
    pub host_ipc: bool,
}

/// A mount of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Mount {
    /// What is mounted.
    pub source: Box<str>,
    /// Where it is seen in the container.
    pub destination: Box<str>,
    /// The mode, as the runtime writes it.
    pub mode: Box<str>,
    /// Whether it may be written.
    pub writable: bool,
    /// How mounts below it spread: `rprivate`, ….
    pub propagation: Box<str>,
}

/// Longer JSON is refused: no container needs a tenth of it.
const LONGEST_JSON: usize = 1 << 20;

impl ContainerRecord {
    /// A record in which only the id is told, whole or short.
    pub fn new(id: &str) -> Self {
        let full_id = if forms::short(id).len() < id.len() { id.into() } else { Box::default() };
        Self { id: forms::short(id).into(), full_id, ..Self::default() }
    }

    /// Reads what Falco's container plugin, and Falco before it had plugins, write into recordings:
    /// `{"container": {"id": …}}`. Members that it does not know are passed over; those that are
    /// not there, or null, are empty.
    ///
    /// # Errors
    ///
    /// Where it is no such JSON, tells no id, or is larger than 1 MiB.
    pub fn from_json(json: &[u8]) -> Result<Self, RecordError> {
        if json.len() > LONGEST_JSON {
            return Err(RecordError(Kind::TooLong(json.len())));
        }
        let Told { container } =
            serde_json::from_slice(json).map_err(|error| RecordError(Kind::Json(error)))?;
        if container.id.is_empty() {
            return Err(RecordError(Kind::NoId));
        }
        Ok(container.into())
    }

    /// The host, which Falco has among the containers.
    pub(super) fn host() -> Self {
        let host = || Box::from(HOST);
        let runtime = Cow::Borrowed(HOST);
        Self { id: host(), full_id: host(), name: host(), runtime, ..Self::default() }
    }

    /// Bytes of memory that it holds, about.
    pub(super) fn size(&self) -> usize {
        let Self {
            id,
            full_id,
            runtime,
            name,
            image,
            image_id,
            image_repository,
            image_tag,
            image_digest,
            ip,
            cni_json,
            sandbox_id,
            labels,
            sandbox_labels,
            mounts,
            privileged: _,
            host_pid: _,
            host_network: _,
            host_ipc: _,
        } = self;
        let texts = [
            id,
            full_id,
            name,
            image,
            image_id,
            image_repository,
            image_tag,
            image_digest,
            ip,
            cni_json,
            sandbox_id,
        ];
        let texts = texts.iter().map(|text| text.len()).sum::<usize>() + runtime.len();
        // Each text of a map or list costs its place and an allocation, too.
        let labels = labels.iter().chain(sandbox_labels);
        let labels: usize = labels.map(|(key, value)| 64 + key.len() + value.len()).sum();
        let mounts = mounts.iter().map(|mount| {
            let Mount { source, destination, mode, writable: _, propagation } = mount;
            128 + source.len() + destination.len() + mode.len() + propagation.len()
        });
        size_of::<Self>() + texts + labels + mounts.sum::<usize>()
    }
}

/// What the fields of the host say.
pub(super) const HOST: &str = "host";

/// The name of a runtime, by its number in recordings (`container_type.h` of the container plugin).
/// Numbers without a name have none in Falco either.
fn runtime(number: i64) -> &'static str {
    match number {
        0 => "docker",
        1 => "lxc",
        2 => "libvirt-lxc",
        3 => "mesos",
        4 => "rkt",
        6 => "cri",
        7 => "containerd",
        8 => "cri-o",
        9 => "bpm",
        11 => "podman",
        0xfffe => HOST,
        _ => "",
    }
}

/// A container cannot be read from JSON.
#[derive(Debug)]
pub struct RecordError(Kind);

#[derive(Debug)]
enum Kind {
    Json(serde_json::Error),
    NoId,
    TooLong(usize),
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Json(_) => f.write_str("this is not the JSON of a container"),
            Kind::NoId => f.write_str("the container's JSON tells no id"),
            Kind::TooLong(length) => {
                write!(
                    f,
                    "the container's JSON has {length} bytes, more than the {LONGEST_JSON} allowed"
                )
            }
        }
    }
}

impl Error for RecordError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.0 {
            Kind::Json(error) => Some(error),
            Kind::NoId | Kind::TooLong(_) => None,
        }
    }
}

// The JSON, with its names. Facts: `src/container_info_json.cpp` of the container plugin.

#[derive(Deserialize)]
struct Told {
    container: ToldContainer,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ToldContainer {
    #[serde(rename = "type", deserialize_with = "told")]
    runtime: Option<i64>,
    #[serde(deserialize_with = "told")]
    id: Box<str>,
    #[serde(deserialize_with = "told")]
    full_id: Box<str>,
    #[serde(deserialize_with = "told")]
    name: Box<str>,
    #[serde(deserialize_with = "told")]
    image: Box<str>,
    #[serde(deserialize_with = "told")]
    imageid: Box<str>,
    #[serde(deserialize_with = "told")]
    imagerepo: Box<str>,
    #[serde(deserialize_with = "told")]
    imagetag: Box<str>,
    #[serde(deserialize_with = "told")]
    imagedigest: Box<str>,
    #[serde(deserialize_with = "told")]
    ip: Box<str>,
    #[serde(deserialize_with = "told")]
    cni_json: Box<str>,
    #[serde(deserialize_with = "told")]
    pod_sandbox_id: Box<str>,
    #[serde(deserialize_with = "told")]
    labels: BTreeMap<Box<str>, Box<str>>,
    #[serde(deserialize_with = "told")]
    pod_sandbox_labels: BTreeMap<Box<str>, Box<str>>,
    #[serde(rename = "Mounts", deserialize_with = "told")]
    mounts: Vec<ToldMount>,
    #[serde(deserialize_with = "told")]
    privileged: bool,
    #[serde(deserialize_with = "told")]
    host_pid: bool,
    #[serde(deserialize_with = "told")]
    host_network: bool,
    #[serde(deserialize_with = "told")]
    host_ipc: bool,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ToldMount {
    #[serde(deserialize_with = "told")]
    source: Box<str>,
    #[serde(deserialize_with = "told")]
    destination: Box<str>,
    #[serde(deserialize_with = "told")]
    mode: Box<str>,
    #[serde(rename = "RW", deserialize_with = "told")]
    rw: bool,
    #[serde(deserialize_with = "told")]
    propagation: Box<str>,
}

/// Null is what is not there: older writers wrote it.
fn told<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(from: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

impl From<ToldContainer> for ContainerRecord {
    fn from(told: ToldContainer) -> Self {
        Self {
            id: told.id,
            full_id: told.full_id,
            runtime: Cow::Borrowed(told.runtime.map_or("", runtime)),
            name: told.name,
            image: told.image,
            image_id: told.imageid,
            image_repository: told.imagerepo,
            image_tag: told.imagetag,
            image_digest: told.imagedigest,
            ip: told.ip,
            cni_json: told.cni_json,
            sandbox_id: told.pod_sandbox_id,
            labels: told.labels,
            sandbox_labels: told.pod_sandbox_labels,
            mounts: told.mounts.into_iter().map(Mount::from).collect(),
            privileged: told.privileged,
            host_pid: told.host_pid,
            host_network: told.host_network,
            host_ipc: told.host_ipc,
        }
    }
}

impl From<ToldMount> for Mount {
    fn from(told: ToldMount) -> Self {
        let ToldMount { source, destination, mode, rw, propagation } = told;
        Self { source, destination, mode, writable: rw, propagation }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_older_writers_left_out_or_wrote_as_null_is_empty() {
        let old = br#"{"container":{"id":"5ea733068030","image":"web:1","ip":"172.17.0.3","name":"w","type":0,
            "labels":null,"Mounts":null,"cni_json":null,"Healthcheck":{"exe":"/a","args":[]},"x":[{}]}}
            "#;
        let record = ContainerRecord::from_json(old).unwrap();
        let want = ContainerRecord {
            id: "5ea733068030".into(),
            image: "web:1".into(),
            ip: "172.17.0.3".into(),
            name: "w".into(),
            runtime: "docker".into(),
            ..ContainerRecord::default()
        };
        assert_eq!(record, want);
    }

    #[test]
    fn what_is_no_container_is_refused() {
        let error = |json: &str| ContainerRecord::from_json(json.as_bytes()).unwrap_err();
        let shown = |json: &str| {
            let error = error(json);
            let source = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            format!("{error}{source}")
        };
        let not = "this is not the JSON of a container: ";
        assert!(shown("").starts_with(&format!("{not}EOF")));
        assert!(shown("[]").starts_with(not));
        assert!(shown(r#"{"id":"a"}"#).starts_with(&format!("{not}missing field `container`")));
        assert!(shown(r#"{"container":"a"}"#).contains("invalid type: string"));
        assert!(shown(r#"{"container":{"id":"a","name":7}}"#).contains("invalid type: integer"));
        assert!(shown(r#"{"container":{"id":"a"}} more"#).contains("trailing characters"));
        assert_eq!(shown(r#"{"container":{"name":"w"}}"#), "the container's JSON tells no id");
        let long = format!(r#"{{"container":{{"id":"{}"}}}}"#, "a".repeat(LONGEST_JSON));
        assert!(shown(&long).ends_with("more than the 1048576 allowed"));
    }

    #[test]
    fn every_runtime_has_falcos_name() {
        let of = |number: &str| {
            let json = format!(r#"{{"container":{{"id":"a","type":{number}}}}}"#);
            ContainerRecord::from_json(json.as_bytes()).unwrap().runtime
        };
        let numbers = ["0", "1", "2", "3", "4", "6", "7", "8", "9", "11", "65534"];
        let names = numbers.map(of);
        let want = "docker lxc libvirt-lxc mesos rkt cri containerd cri-o bpm podman host";
        assert_eq!(names.join(" "), want);
        assert_eq!(["5", "10", "65535", "-1", "null"].map(of).concat(), "");
    }

    #[test]
    fn a_record_is_found_by_the_short_id() {
        let full = "ab".repeat(32);
        let record = ContainerRecord::new(&full);
        assert_eq!((&*record.id, &*record.full_id), ("abababababab", &*full));
        let record = ContainerRecord::new("web");
        assert_eq!((&*record.id, &*record.full_id), ("web", ""));
    }

    #[test]
    fn a_larger_record_counts_for_more() {
        let mut record = ContainerRecord::new("a");
        let before = record.size();
        record.labels.insert("k".into(), "v".repeat(1000).into());
        record.mounts.push(Mount { source: "s".repeat(1000).into(), ..Mount::default() });
        assert!(record.size() > before + 2000);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = ContainerRecord::from_json(&bytes);
        }
    }
}
