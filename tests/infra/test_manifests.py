"""The manifests for GKE: valid by Kubernetes' own schemas, and about what the stack made."""

from __future__ import annotations

from typing import Any

import kubernetes_validate
import pytest
import yaml

from infra.fleet.manifests import rendered
from infra.recording import PROD, run
from infra.stack_reader import read_stack

STACK = read_stack({**PROD, "fleet": "gke", "workers": "20", "graceS": "60"}, "prod")
DOCUMENTS: list[dict[str, Any]] = list(yaml.safe_load_all(rendered(STACK)))
CUSTOM = {"PodMonitoring"}
"""Kinds that are no part of Kubernetes, but of GKE."""


def manifest(kind: str, name: str = "worker") -> Any:
    (document,) = [it for it in DOCUMENTS if it["kind"] == kind and it["metadata"]["name"] == name]
    return document


@pytest.mark.parametrize(
    "document", DOCUMENTS, ids=lambda it: f"{it['kind']}-{it['metadata']['name']}"
)
def test_a_manifest_is_valid_by_kubernetes_own_schema(document: dict[str, Any]) -> None:
    if document["kind"] in CUSTOM:
        assert set(document) == {"apiVersion", "kind", "metadata", "spec"}
        assert set(document["spec"]) == {"selector", "endpoints"}
    else:
        kubernetes_validate.validate(document, "1.34", strict=True)


def test_a_manifest_with_a_misspelt_field_is_refused() -> None:
    wrong = {**manifest("Deployment"), "specs": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, "1.34", strict=True)


def test_pods_work_as_the_worker_without_a_key() -> None:
    account = manifest("ServiceAccount")
    assert account["metadata"]["annotations"] == {
        "iam.gke.io/gcp-service-account": "sightline-prod-worker@my-project.iam.gserviceaccount.com"
    }
    environment = run({**PROD, "fleet": "gke"}, stack="prod")
    bound = environment.only("IAMMember", "pod-is-worker").inputs["member"]
    assert bound == "serviceAccount:my-project.svc.id.goog[sightline/worker]"
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    assert pod["serviceAccountName"] == account["metadata"]["name"] == "worker"


def test_the_autoscaler_follows_the_backlog_of_the_subscription() -> None:
    spec = manifest("HorizontalPodAutoscaler")["spec"]
    assert spec["maxReplicas"] == 20
    (metric,) = spec["metrics"]
    external = metric["external"]["metric"]
    assert external["name"] == "pubsub.googleapis.com|subscription|num_undelivered_messages"
    assert external["selector"]["matchLabels"] == {
        "resource.labels.subscription_id": "sightline-prod-work"
    }


def test_a_pod_is_given_longer_than_the_worker_takes() -> None:
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    environment = {it["name"]: it["value"] for it in pod["containers"][0]["env"]}
    grace_s = float(environment["SIGHTLINE_WORKER__GRACE_S"])
    assert grace_s == 60.0
    assert pod["terminationGracePeriodSeconds"] > grace_s


def test_pods_run_as_nobody_on_a_file_system_that_cannot_be_written() -> None:
    pod = manifest("Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


def test_the_outputs_hold_the_manifests_and_the_one_command() -> None:
    environment = run({**PROD, "fleet": "gke"}, stack="prod")
    assert len(list(yaml.safe_load_all(environment.outputs["manifests"]))) == len(DOCUMENTS)
    assert "kubectl apply -f -" in environment.outputs["applyCommand"]
