//! The pod and what it belongs to, as the cluster's API server tells. Absent outside any pod.

rows! {
after k8s;

K8smeta from Containers {
    K8SMETA_POD_NAME "k8smeta.pod.name" Str is suggested nobody CLUSTER: "name of the pod";
    K8SMETA_POD_UID "k8smeta.pod.uid" Str nobody CLUSTER: "uid of the pod";
    K8SMETA_POD_LABEL "k8smeta.pod.label" Str arg Required Key nobody CLUSTER: "value of one label of the pod; absent without such a label";
    K8SMETA_POD_LABELS "k8smeta.pod.labels" Str many List nobody CLUSTER: "labels of the pod, each as name:value";
    K8SMETA_POD_IP "k8smeta.pod.ip" Str nobody CLUSTER: "address of the pod";
    K8SMETA_NS_NAME "k8smeta.ns.name" Str is suggested nobody CLUSTER: "name of the namespace of the pod";
    K8SMETA_NS_UID "k8smeta.ns.uid" Str nobody CLUSTER: "uid of the namespace of the pod";
    K8SMETA_NS_LABEL "k8smeta.ns.label" Str arg Required Key nobody CLUSTER: "value of one label of the namespace of the pod; absent without such a label";
    K8SMETA_NS_LABELS "k8smeta.ns.labels" Str many List nobody CLUSTER: "labels of the namespace of the pod, each as name:value";
    K8SMETA_DEPLOYMENT_NAME "k8smeta.deployment.name" Str nobody CLUSTER: "name of the deployment that the pod belongs to";
    K8SMETA_DEPLOYMENT_UID "k8smeta.deployment.uid" Str nobody CLUSTER: "uid of the deployment that the pod belongs to";
    K8SMETA_DEPLOYMENT_LABEL "k8smeta.deployment.label" Str arg Required Key nobody CLUSTER: "value of one label of the deployment that the pod belongs to; absent without such a label";
    K8SMETA_DEPLOYMENT_LABELS "k8smeta.deployment.labels" Str many List nobody CLUSTER: "labels of the deployment that the pod belongs to, each as name:value";
    K8SMETA_SVC_NAME "k8smeta.svc.name" Str many List nobody CLUSTER: "name of each service that selects the pod";
    K8SMETA_SVC_UID "k8smeta.svc.uid" Str many List nobody CLUSTER: "uid of each service that selects the pod";
    K8SMETA_SVC_LABEL "k8smeta.svc.label" Str arg Required Key many List nobody CLUSTER: "value of one label of each service that selects the pod; absent without such a label";
    K8SMETA_SVC_LABELS "k8smeta.svc.labels" Str many List nobody CLUSTER: "labels of each service that selects the pod, each as name:value";
    K8SMETA_RS_NAME "k8smeta.rs.name" Str nobody CLUSTER: "name of the replica set that the pod belongs to";
    K8SMETA_RS_UID "k8smeta.rs.uid" Str nobody CLUSTER: "uid of the replica set that the pod belongs to";
    K8SMETA_RS_LABEL "k8smeta.rs.label" Str arg Required Key nobody CLUSTER: "value of one label of the replica set that the pod belongs to; absent without such a label";
    K8SMETA_RS_LABELS "k8smeta.rs.labels" Str many List nobody CLUSTER: "labels of the replica set that the pod belongs to, each as name:value";
    K8SMETA_RC_NAME "k8smeta.rc.name" Str nobody CLUSTER: "name of the replication controller that the pod belongs to";
    K8SMETA_RC_UID "k8smeta.rc.uid" Str nobody CLUSTER: "uid of the replication controller that the pod belongs to";
    K8SMETA_RC_LABEL "k8smeta.rc.label" Str arg Required Key nobody CLUSTER: "value of one label of the replication controller that the pod belongs to; absent without such a label";
    K8SMETA_RC_LABELS "k8smeta.rc.labels" Str many List nobody CLUSTER: "labels of the replication controller that the pod belongs to, each as name:value";
}
}
