"""The adapter that provides Cloud Monitoring's external metrics to Kubernetes' autoscaler.

After
https://github.com/GoogleCloudPlatform/k8s-stackdriver/tree/master/custom-metrics-stackdriver-adapter
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

ADAPTER_NAMESPACE = "custom-metrics"
ADAPTER_ACCOUNT = "custom-metrics-stackdriver-adapter"
ADAPTER_IMAGE = "gcr.io/gke-release/custom-metrics-stackdriver-adapter:v0.15.1-gke.0"
_RBAC = "rbac.authorization.k8s.io"
_GROUP = "external.metrics.k8s.io"
_IN = {"name": ADAPTER_ACCOUNT, "namespace": ADAPTER_NAMESPACE}
_LABELS = {"k8s-app": ADAPTER_ACCOUNT}


def adapter_manifests() -> Iterator[Mapping[str, Any]]:
    """Yield the adapter's manifests; a cluster has only one adapter, whichever stack applies it."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": ADAPTER_NAMESPACE}}
    yield {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _IN}
    yield from _rights()
    yield _deployment()
    yield {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {**_IN, "labels": _LABELS},
        "spec": {
            "type": "ClusterIP",
            "selector": _LABELS,
            "ports": [{"port": 443, "protocol": "TCP", "targetPort": 443}],
        },
    }
    yield {
        "apiVersion": "apiregistration.k8s.io/v1",
        "kind": "APIService",
        "metadata": {"name": f"v1beta1.{_GROUP}"},
        "spec": {
            "group": _GROUP,
            "version": "v1beta1",
            "groupPriorityMinimum": 100,
            "versionPriority": 100,
            "insecureSkipTLSVerify": True,
            "service": {**_IN, "port": 443},
        },
    }


def _rights() -> Iterator[Mapping[str, Any]]:
    adapter = {"kind": "ServiceAccount", **_IN}
    autoscaler = {
        "kind": "ServiceAccount",
        "name": "horizontal-pod-autoscaler",
        "namespace": "kube-system",
    }
    yield _binding("custom-metrics:system:auth-delegator", "system:auth-delegator", adapter)
    yield {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "custom-metrics-auth-reader", "namespace": "kube-system"},
        "roleRef": {
            "apiGroup": _RBAC,
            "kind": "Role",
            "name": "extension-apiserver-authentication-reader",
        },
        "subjects": [adapter],
    }
    yield _role("custom-metrics-resource-reader", "", ["pods", "nodes", "nodes/stats"])
    yield _binding("custom-metrics-resource-reader", "custom-metrics-resource-reader", adapter)
    yield _role("external-metrics-reader", _GROUP, ["*"])
    yield _binding("external-metrics-reader", "external-metrics-reader", autoscaler)


def _role(name: str, group: str, resources: list[str]) -> Mapping[str, Any]:
    rule = {"apiGroups": [group], "resources": resources, "verbs": ["get", "list", "watch"]}
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": {"name": name},
        "rules": [rule],
    }


def _binding(name: str, role: str, subject: Mapping[str, str]) -> Mapping[str, Any]:
    return {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [subject],
    }


def _deployment() -> Mapping[str, Any]:
    size = {"cpu": "250m", "memory": "400Mi"}
    container = {
        "name": "adapter",
        "image": ADAPTER_IMAGE,
        "command": [
            "/adapter",
            "--use-new-resource-model=true",
            "--fallback-for-container-metrics=true",
        ],
        "resources": {"requests": size, "limits": size},
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**_IN, "labels": _LABELS},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": _LABELS},
            "template": {
                "metadata": {"labels": _LABELS},
                "spec": {"serviceAccountName": ADAPTER_ACCOUNT, "containers": [container]},
            },
        },
    }
