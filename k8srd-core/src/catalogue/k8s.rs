//! The pod, as the container's runtime tells. Absent outside any pod.

rows! {
after container;

K8s from Containers {
    K8S_POD_NAME "k8s.pod.name" Str is suggested: "name of the pod";
    K8S_NS_NAME "k8s.ns.name" Str is suggested: "namespace of the pod";
    K8S_POD_UID "k8s.pod.uid" Str holds IDENTITY: "uid of the pod";
    K8S_POD_ID "k8s.pod.id" Str: "older name of k8s.pod.uid";
    K8S_POD_SANDBOX_ID "k8s.pod.sandbox_id" Str: "first 12 characters of the id of the pod's sandbox";
    K8S_POD_FULL_SANDBOX_ID "k8s.pod.full_sandbox_id" Str: "whole id of the pod's sandbox";
    K8S_POD_LABEL "k8s.pod.label" Str arg Required Key: "value of one label of the pod; absent where it has no such label";
    K8S_POD_LABELS "k8s.pod.labels" Str: "all labels of the pod as name:value, separated by a comma and a blank; without those that the kubelet adds";
    K8S_POD_IP "k8s.pod.ip" Str: "first IPv4 address of the pod";
    K8S_POD_CNI_JSON "k8s.pod.cni.json" Str: "addresses of all interfaces of the pod, as JSON from the network plugin";
    K8S_RC_NAME "k8s.rc.name" Str is deprecated nobody UNSET: "always absent; use k8smeta.rc.name";
    K8S_RC_ID "k8s.rc.id" Str is deprecated nobody UNSET: "always absent; use k8smeta.rc.uid";
    K8S_RC_LABEL "k8s.rc.label" Str arg Required Key is deprecated nobody UNSET: "always absent; use k8smeta.rc.label";
    K8S_RC_LABELS "k8s.rc.labels" Str is deprecated nobody UNSET: "always absent; use k8smeta.rc.labels";
    K8S_SVC_NAME "k8s.svc.name" Str is deprecated nobody UNSET: "always absent; use k8smeta.svc.name";
    K8S_SVC_ID "k8s.svc.id" Str is deprecated nobody UNSET: "always absent; use k8smeta.svc.uid";
    K8S_SVC_LABEL "k8s.svc.label" Str arg Required Key is deprecated nobody UNSET: "always absent; use k8smeta.svc.label";
    K8S_SVC_LABELS "k8s.svc.labels" Str is deprecated nobody UNSET: "always absent; use k8smeta.svc.labels";
    K8S_NS_ID "k8s.ns.id" Str is deprecated nobody UNSET: "always absent; use k8smeta.ns.uid";
    K8S_NS_LABEL "k8s.ns.label" Str arg Required Key is deprecated nobody UNSET: "always absent; use k8smeta.ns.label";
    K8S_NS_LABELS "k8s.ns.labels" Str is deprecated nobody UNSET: "always absent; use k8smeta.ns.labels";
    K8S_RS_NAME "k8s.rs.name" Str is deprecated nobody UNSET: "always absent; use k8smeta.rs.name";
    K8S_RS_ID "k8s.rs.id" Str is deprecated nobody UNSET: "always absent; use k8smeta.rs.uid";
    K8S_RS_LABEL "k8s.rs.label" Str arg Required Key is deprecated nobody UNSET: "always absent; use k8smeta.rs.label";
    K8S_RS_LABELS "k8s.rs.labels" Str is deprecated nobody UNSET: "always absent; use k8smeta.rs.labels";
    K8S_DEPLOYMENT_NAME "k8s.deployment.name" Str is deprecated nobody UNSET: "always absent; use k8smeta.deployment.name";
    K8S_DEPLOYMENT_ID "k8s.deployment.id" Str is deprecated nobody UNSET: "always absent; use k8smeta.deployment.uid";
    K8S_DEPLOYMENT_LABEL "k8s.deployment.label" Str arg Required Key is deprecated nobody UNSET: "always absent; use k8smeta.deployment.label";
    K8S_DEPLOYMENT_LABELS "k8s.deployment.labels" Str is deprecated nobody UNSET: "always absent; use k8smeta.deployment.labels";
}
}
