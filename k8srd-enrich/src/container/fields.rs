//! The fields, one arm each. Facts: `src/caps/extract/extract.cpp` of falcosecurity/plugins'
//! container plugin.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use k8srd_core::arena::Arena;
use k8srd_core::catalogue as field;
use k8srd_core::event::Event;
use k8srd_core::field::{Arg, Key};
use k8srd_core::set::FieldSet;
use k8srd_core::value::{Lookup, Value};

use super::forms::SHORT;
use super::record::{ContainerRecord, Mount};
use super::records::Known;
use super::{Containers, Place};
use crate::read;

/// The fields that have an arm below.
pub(super) static PROVIDED: LazyLock<FieldSet> = LazyLock::new(|| {
    FieldSet::from_iter([
        field::CONTAINER_ID,
        field::CONTAINER_FULL_ID,
        field::CONTAINER_NAME,
        field::CONTAINER_TYPE,
        field::CONTAINER_IMAGE,
        field::CONTAINER_IMAGE_ID,
        field::CONTAINER_IMAGE_REPOSITORY,
        field::CONTAINER_IMAGE_TAG,
        field::CONTAINER_IMAGE_DIGEST,
        field::CONTAINER_PRIVILEGED,
        field::CONTAINER_HOST_PID,
        field::CONTAINER_HOST_NETWORK,
        field::CONTAINER_HOST_IPC,
        field::CONTAINER_START_TS,
        field::CONTAINER_DURATION,
        field::CONTAINER_IP,
        field::CONTAINER_CNI_JSON,
        field::CONTAINER_LABEL,
        field::CONTAINER_LABELS,
        field::CONTAINER_MOUNTS,
        field::CONTAINER_MOUNT,
        field::CONTAINER_MOUNT_SOURCE,
        field::CONTAINER_MOUNT_DEST,
        field::CONTAINER_MOUNT_MODE,
        field::CONTAINER_MOUNT_RDWR,
        field::CONTAINER_MOUNT_PROPAGATION,
        field::K8S_POD_NAME,
        field::K8S_NS_NAME,
        field::K8S_POD_UID,
        field::K8S_POD_ID,
        field::K8S_POD_SANDBOX_ID,
        field::K8S_POD_FULL_SANDBOX_ID,
        field::K8S_POD_LABEL,
        field::K8S_POD_LABELS,
        field::K8S_POD_IP,
        field::K8S_POD_CNI_JSON,
    ])
});

/// The host has a record, too: what it has no word for is the empty text, not absent, as in Falco.
pub(super) static HOST: LazyLock<Arc<ContainerRecord>> =
    LazyLock::new(|| ContainerRecord::host().into());

/// When the first process of the thread's pid namespace started, and how long that is ago at the
/// event. It is known of a thread whatever is known of its container.
pub(super) fn time<'a>(event: &dyn Event, key: &Key, arena: &Arena) -> Option<Value<'a>> {
    let start = read::uint(event, &read::NAMESPACE_START, arena).filter(|&start| start != 0)?;
    Some(match key.field() {
        field::CONTAINER_START_TS => Value::U64(start),
        _ => Value::U64(event.time().as_nanos().checked_sub(start)?),
    })
}

impl Place {
    /// What the cgroup alone tells, or the record where there is one.
    pub(super) fn field<'a>(
        &'a self,
        all: &'a Containers,
        key: &Key,
        arena: &'a Arena,
    ) -> Lookup<Value<'a>> {
        let Self { id, identity, known, .. } = self;
        let told = match known {
            Known::Record(record) => all.of_record(record, key, arena),
            Known::Nothing | Known::Expected => None,
        };
        let identity = identity.as_ref();
        let text: Option<&str> = match key.field() {
            field::CONTAINER_ID => Some(id),
            field::CONTAINER_FULL_ID => identity.map(|identity| &*identity.full_id),
            field::CONTAINER_TYPE => identity.map(|identity| identity.runtime),
            field::K8S_POD_UID | field::K8S_POD_ID => identity.and_then(|it| it.pod_uid.as_deref()),
            _ => None,
        };
        // A text that is empty in the record says that its writer knew none.
        let told = told.filter(|told| text.is_none() || *told != Value::from(""));
        match (told.or_else(|| text.map(Value::from)), known) {
            (Some(value), _) => Lookup::Known(value),
            (None, Known::Expected) => Lookup::Pending,
            (None, Known::Nothing | Known::Record(_)) => Lookup::Absent,
        }
    }
}

impl Containers {
    pub(super) fn of_record<'a>(
        &'a self,
        record: &'a ContainerRecord,
        key: &Key,
        arena: &'a Arena,
    ) -> Option<Value<'a>> {
        let text = |text: &'a str| Some(Value::from(text));
        let label = |name| record.labels.get(name).map(|label| Value::from(&**label));
        let format = |text: fmt::Arguments<'_>| Some(Value::Str(arena.format(text)));
        let mount = || self.mount(record, key);
        match key.field() {
            field::CONTAINER_ID => text(&record.id),
            field::CONTAINER_FULL_ID => text(&record.full_id),
            field::CONTAINER_NAME => text(&record.name),
            field::CONTAINER_TYPE => text(&record.runtime),
            field::CONTAINER_IMAGE => text(&record.image),
            field::CONTAINER_IMAGE_ID => text(&record.image_id),
            field::CONTAINER_IMAGE_REPOSITORY => text(&record.image_repository),
            field::CONTAINER_IMAGE_TAG => text(&record.image_tag),
            field::CONTAINER_IMAGE_DIGEST => text(&record.image_digest),
            field::CONTAINER_PRIVILEGED => Some(Value::Bool(record.privileged)),
            field::CONTAINER_HOST_PID => Some(Value::Bool(record.host_pid)),
            field::CONTAINER_HOST_NETWORK => Some(Value::Bool(record.host_network)),
            field::CONTAINER_HOST_IPC => Some(Value::Bool(record.host_ipc)),
            field::CONTAINER_IP => text(&record.ip),
            field::CONTAINER_CNI_JSON => text(&record.cni_json),
            field::CONTAINER_LABEL => label(name(key)?),
            field::CONTAINER_LABELS => format(format_args!("{}", Labels(&record.labels))),
            field::CONTAINER_MOUNTS => format(format_args!("{}", Mounts(&record.mounts))),
            field::CONTAINER_MOUNT => format(format_args!("{}", mount()?)),
            field::CONTAINER_MOUNT_SOURCE => text(&mount()?.source),
            field::CONTAINER_MOUNT_DEST => text(&mount()?.destination),
            field::CONTAINER_MOUNT_MODE => text(&mount()?.mode),
            field::CONTAINER_MOUNT_RDWR => text(if mount()?.writable { "true" } else { "false" }),
            field::CONTAINER_MOUNT_PROPAGATION => text(&mount()?.propagation),
            field::K8S_POD_NAME => label("io.kubernetes.pod.name"),
            field::K8S_NS_NAME => label("io.kubernetes.pod.namespace"),
            field::K8S_POD_UID | field::K8S_POD_ID => label("io.kubernetes.pod.uid"),
            field::K8S_POD_SANDBOX_ID => text(sandbox_id(record)),
            field::K8S_POD_FULL_SANDBOX_ID => text(&record.sandbox_id),
            field::K8S_POD_LABEL => {
                let of = |record: &'a ContainerRecord| record.sandbox_labels.get(name(key)?);
                let label = self.sandbox(record).and_then(of).or_else(|| of(record))?;
                text(label)
            }
            field::K8S_POD_LABELS => {
                let record = self.sandbox(record).unwrap_or(record);
                format(format_args!("{}", Labels(&record.sandbox_labels)))
            }
            field::K8S_POD_IP => text(&self.pod(record)?.ip),
            field::K8S_POD_CNI_JSON => text(&self.pod(record)?.cni_json),
            _ => None,
        }
    }

    /// By place, or by a pattern; see `mounts`.
    fn mount<'a>(&self, record: &'a ContainerRecord, key: &Key) -> Option<&'a Mount> {
        let side: fn(&Mount) -> &str = match key.field() {
            field::CONTAINER_MOUNT_SOURCE => |mount| &mount.destination,
            _ => |mount| &mount.source,
        };
        match key.arg() {
            Arg::Index(n) => record.mounts.get(*n as usize),
            Arg::Name(pattern) => self.patterns.find(record, pattern, side),
            Arg::None => None,
        }
    }

    /// The record of the pod's sandbox, where the container's own lacks what the network plugin
    /// said. A container without a sandbox is told of the host's, as in Falco, so that its pod's
    /// address is the empty text.
    fn sandbox(&self, record: &ContainerRecord) -> Option<&ContainerRecord> {
        match sandbox_id(record) {
            _ if !record.cni_json.is_empty() => None,
            "" => Some(&HOST),
            id => self.records.record(id),
        }
    }

    /// The record that tells the pod's addresses.
    fn pod<'a>(&'a self, record: &'a ContainerRecord) -> Option<&'a ContainerRecord> {
        if record.cni_json.is_empty() { self.sandbox(record) } else { Some(record) }
    }
}

fn sandbox_id(record: &ContainerRecord) -> &str {
    record.sandbox_id.get(..SHORT).unwrap_or(&record.sandbox_id)
}

fn name(key: &Key) -> Option<&str> {
    match key.arg() {
        Arg::Name(name) => Some(name),
        _ => None,
    }
}

/// All labels but those that the kubelet adds.
struct Labels<'a>(&'a BTreeMap<Box<str>, Box<str>>);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let internal =
            |key: &str| ["annotation.", "io.kubernetes."].iter().any(|p| key.starts_with(p));
        let own = self.0.iter().filter(|(key, _)| !internal(key));
        for (i, (key, value)) in own.enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            let colon = if value.is_empty() { "" } else { ":" };
            write!(f, "{separator}{key}{colon}{value}")?;
        }
        Ok(())
    }
}

struct Mounts<'a>(&'a [Mount]);

impl fmt::Display for Mounts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, mount) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { "," };
            write!(f, "{separator}{mount}")?;
        }
        Ok(())
    }
}
