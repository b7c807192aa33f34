"""The Kubernetes manifests: the workers, their autoscaler, and the adapter of its metrics.

They are rendered here and applied by one command: a program that creates a cluster and also uses it
would have to reach it during the preview.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from infra.fleet.adapter import ADAPTER_ACCOUNT, ADAPTER_NAMESPACE, adapter_manifests
from infra.job_settings import PROMETHEUS_PORT, environment
from infra.stack import Stack

__all__ = [
    "ADAPTER_ACCOUNT",
    "ADAPTER_NAMESPACE",
    "NAMESPACE",
    "WORKER_ACCOUNT",
    "manifests",
    "rendered",
]

NAMESPACE = "sightline"
WORKER_ACCOUNT = "worker"
SETTLE_S = 30
"""A pod's time beyond the worker's own grace period, to flush and to ack, in seconds."""
HEARTBEAT = "/tmp/heartbeat"  # noqa: S108 - inside a container of one process
QUIET_S = 600

Manifest = Mapping[str, Any]


def manifests(stack: Stack) -> Iterator[Manifest]:
    """Yield all manifests, in an order in which they can be applied."""
    yield {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}}
    yield {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {
            **_named(stack, WORKER_ACCOUNT),
            "annotations": {"iam.gke.io/gcp-service-account": stack.names.email("worker")},
        },
    }
    yield _workers(stack)
    yield _autoscaler(stack)
    yield _monitoring(stack)
    yield from adapter_manifests()


def rendered(stack: Stack) -> str:
    """Return the manifests as one YAML text."""
    documents = [dict(manifest) for manifest in manifests(stack)]
    return str(yaml.safe_dump_all(documents, sort_keys=False, explicit_start=True))


def _named(stack: Stack, name: str) -> dict[str, Any]:
    labels = {"app.kubernetes.io/name": "sightline", "app.kubernetes.io/instance": stack.names.of()}
    return {"name": name, "namespace": NAMESPACE, "labels": labels}


def _workers(stack: Stack) -> Manifest:
    chosen = stack.config
    named = _named(stack, "worker")
    size = {"cpu": chosen.cpu, "memory": chosen.memory}
    container = {
        "name": "worker",
        "image": chosen.image,
        "args": ["-m", "worker"],
        "env": [
            *({"name": name, "value": value} for name, value in environment(stack).items()),
            {"name": "SIGHTLINE_WORKER__HEARTBEAT_FILE", "value": HEARTBEAT},
        ],
        "resources": {"requests": size, "limits": size},
        "startupProbe": {**_probe(), "failureThreshold": 30},
        "livenessProbe": _probe(),
        "readinessProbe": _probe(),
        "ports": [{"name": "metrics", "containerPort": PROMETHEUS_PORT}],
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],  # noqa: S108 - the mount itself
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": named,
        "spec": {
            "selector": {"matchLabels": named["labels"]},
            "template": {
                "metadata": {"labels": named["labels"]},
                "spec": {
                    "serviceAccountName": WORKER_ACCOUNT,
                    "terminationGracePeriodSeconds": chosen.grace_s + SETTLE_S,
                    "securityContext": {
                        "runAsNonRoot": True,
                        "runAsUser": 10001,
                        "seccompProfile": {"type": "RuntimeDefault"},
                    },
                    "containers": [container],
                    "volumes": [{"name": "tmp", "emptyDir": {}}],
                },
            },
        },
    }


def _probe() -> dict[str, Any]:
    return {
        "exec": {"command": ["python", "-m", "worker.heartbeat", HEARTBEAT]},
        "periodSeconds": 20,
        "timeoutSeconds": 10,
    }


def _autoscaler(stack: Stack) -> Manifest:
    chosen = stack.config
    backlog = {
        "name": "pubsub.googleapis.com|subscription|num_undelivered_messages",
        "selector": {"matchLabels": {"resource.labels.subscription_id": stack.names.of("work")}},
    }
    target = {"type": "AverageValue", "averageValue": str(chosen.backlog_per_worker)}
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "metadata": _named(stack, "worker"),
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "worker"},
            "minReplicas": 1,
            "maxReplicas": chosen.workers,
            "metrics": [{"type": "External", "external": {"metric": backlog, "target": target}}],
            "behavior": {"scaleDown": {"stabilizationWindowSeconds": QUIET_S}},
        },
    }


def _monitoring(stack: Stack) -> Manifest:
    named = _named(stack, "worker")
    return {
        "apiVersion": "monitoring.googleapis.com/v1",
        "kind": "PodMonitoring",
        "metadata": named,
        "spec": {
            "selector": {"matchLabels": named["labels"]},
            "endpoints": [{"port": "metrics", "interval": "30s"}],
        },
    }
