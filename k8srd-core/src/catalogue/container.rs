//! The container, as its cgroup and its runtime tell. Absent outside any container but for the
//! fields that say so.

rows! {
after user;

Container from Containers {
    CONTAINER_ID "container.id" Str is suggested holds IDENTITY: "first 12 characters of the container id; host outside any container";
    CONTAINER_FULL_ID "container.full_id" Str holds IDENTITY: "whole container id; host outside any container";
    CONTAINER_NAME "container.name" Str is suggested: "name of the container; host outside any container";
    CONTAINER_TYPE "container.type" Str holds IDENTITY: "runtime of the container as its cgroup tells: containerd, cri-o, docker, podman, …; host outside any container";
    CONTAINER_IMAGE "container.image" Str: "image with tag, as the container was started from it";
    CONTAINER_IMAGE_ID "container.image.id" Str: "id of the image";
    CONTAINER_IMAGE_REPOSITORY "container.image.repository" Str is suggested: "image without tag and digest";
    CONTAINER_IMAGE_TAG "container.image.tag" Str is suggested: "tag of the image";
    CONTAINER_IMAGE_DIGEST "container.image.digest" Str: "digest of the image in its registry, such as sha256:…";
    CONTAINER_PRIVILEGED "container.privileged" Bool: "whether the container is privileged";
    CONTAINER_HOST_PID "container.host_pid" Bool: "whether the container shares the pid namespace of the node";
    CONTAINER_HOST_NETWORK "container.host_network" Bool: "whether the container shares the network namespace of the node";
    CONTAINER_HOST_IPC "container.host_ipc" Bool: "whether the container shares the IPC namespace of the node";
    CONTAINER_START_TS "container.start_ts" AbsTime: "start of the first process of the pid namespace, the container's first, nanoseconds since 1970";
    CONTAINER_DURATION "container.duration" RelTime: "nanoseconds since container.start_ts";
    CONTAINER_IP "container.ip" Str: "first IPv4 address of the container";
    CONTAINER_CNI_JSON "container.cni.json" Str: "addresses of all interfaces, as JSON from the network plugin";
    CONTAINER_LABEL "container.label" Str arg Required Key: "value of one label; absent where the container has no such label";
    CONTAINER_LABELS "container.labels" Str: "all labels as name:value, separated by a comma and a blank; without those that the kubelet adds";
    CONTAINER_MOUNTS "container.mounts" Str: "all mounts as source:dest:mode:rdwr:propagation, separated by commas";
    CONTAINER_MOUNT "container.mount" Str arg Required IndexOrKey: "one mount as source:dest:mode:rdwr:propagation, by place or by a pattern that its source matches; absent where there is none";
    CONTAINER_MOUNT_SOURCE "container.mount.source" Str arg Required IndexOrKey: "source of one mount, by place or by a pattern that its destination matches; absent where there is none";
    CONTAINER_MOUNT_DEST "container.mount.dest" Str arg Required IndexOrKey: "destination of one mount, by place or by a pattern that its source matches; absent where there is none";
    CONTAINER_MOUNT_MODE "container.mount.mode" Str arg Required IndexOrKey: "mode of one mount, by place or by a pattern that its source matches; absent where there is none";
    CONTAINER_MOUNT_RDWR "container.mount.rdwr" Str arg Required IndexOrKey: "true or false: whether one mount may be written, by place or by a pattern that its source matches; absent where there is none";
    CONTAINER_MOUNT_PROPAGATION "container.mount.propagation" Str arg Required IndexOrKey: "propagation of one mount, by place or by a pattern that its source matches; absent where there is none";
    CONTAINER_HEALTHCHECK "container.healthcheck" Str is deprecated nobody UNSET: "always absent";
    CONTAINER_LIVENESS_PROBE "container.liveness_probe" Str is deprecated nobody UNSET: "always absent";
    CONTAINER_READINESS_PROBE "container.readiness_probe" Str is deprecated nobody UNSET: "always absent";
    PROC_IS_CONTAINER_HEALTHCHECK "proc.is_container_healthcheck" Bool is deprecated nobody UNSET: "always absent";
    PROC_IS_CONTAINER_LIVENESS_PROBE "proc.is_container_liveness_probe" Bool is deprecated nobody UNSET: "always absent";
    PROC_IS_CONTAINER_READINESS_PROBE "proc.is_container_readiness_probe" Bool is deprecated nobody UNSET: "always absent";
}
}
