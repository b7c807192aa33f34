"""The stack's outputs: the job's settings, and the commands to run next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

import pulumi

from infra.fleet import Fleet
from infra.fleet.gke import ADAPTER_READS_METRICS
from infra.fleet.manifests import rendered
from infra.fleet.registry import repository_url
from infra.job_settings import job_settings
from infra.landing import READER, STORAGE_ENCRYPTS, VERTEX_READS_IMAGES, Landing
from infra.roles import Role
from infra.stack import Stack
from infra.warehouse import Warehouse
from infra.watch import Watch


def outputs(
    stack: Stack, landing: Landing, warehouse: Warehouse, fleet: Fleet, watch: Watch
) -> Mapping[str, Any]:
    """Return the outputs by name; none contains or derives from a secret."""
    outputs: dict[str, Any] = {
        "settings": job_settings(stack),
        "imageRepository": fleet.registry.repository_id.apply(lambda _: repository_url(stack)),
        "imageBucket": landing.bucket,
        "workerAccount": stack.names.email("worker"),
        "producerAccount": stack.names.email("producer"),
        "connection": warehouse.connection.name,
        "dashboard": watch.dashboard.id.apply(lambda name: _dashboard_url(stack, name)),
        "next": _next(stack),
    }
    if not stack.grants_on_bucket:
        readers = {**landing.readers, "the connection": warehouse.connection_member}
        outputs["grantCommands"] = [_grant_command(stack, who) for who in readers.values()]
    if kept := list(_kept_grants(stack, landing, fleet)):
        outputs["keptGrants"] = kept
    if stack.runs_on_gke and stack.config.image:
        outputs["manifests"] = rendered(stack)
        outputs["applyCommand"] = _apply_command(stack)
    if stack.config.fleet == "job" and stack.config.image:
        outputs["drainCommand"] = _execute(stack, "worker")
    if stack.has_fleet and stack.config.image:
        outputs["enqueueCommand"] = _execute(stack, "producer")
    return outputs


def _grant_command(stack: Stack, who: pulumi.Output[str]) -> pulumi.Output[str]:
    """Return the commands with which the bucket's owner lets our accounts read the images."""
    bucket = f"gcloud storage buckets add-iam-policy-binding gs://{stack.bucket}"
    return pulumi.Output.concat(bucket, " --member=", who, f" --role={READER}")


def _kept_grants(stack: Stack, landing: Landing, fleet: Fleet) -> Iterator[pulumi.Output[str]]:
    """Yield the commands that remove what ``pulumi destroy`` leaves, since other stacks use it."""
    kept: list[tuple[str, pulumi.Output[str] | None, Role]] = []
    if stack.grants_on_bucket and not stack.makes_bucket:
        vertex = landing.readers["Vertex AI's service agent"]
        on_bucket = f"gcloud storage buckets remove-iam-policy-binding gs://{stack.bucket}"
        kept.append((on_bucket, vertex, VERTEX_READS_IMAGES))
    on_key = f"gcloud kms keys remove-iam-policy-binding {stack.config.kms_key}"
    kept.append((on_key, landing.encrypts, STORAGE_ENCRYPTS))
    on_project = f"gcloud projects remove-iam-policy-binding {stack.project} --condition=None"
    kept.append((on_project, fleet.adapter, ADAPTER_READS_METRICS))
    for command, member, role in kept:
        if member is not None:
            yield pulumi.Output.concat(command, " --member=", member, f" --role={role.role}")


def _apply_command(stack: Stack) -> str:
    place = f"--region={stack.region} --project={stack.project}"
    return (
        f"gcloud container clusters get-credentials {stack.names.of()} {place}"
        " && pulumi stack output manifests | kubectl apply -f -"
    )


def _execute(stack: Stack, name: str) -> str:
    job = stack.names.of(name)
    return f"gcloud run jobs execute {job} --region={stack.region} --project={stack.project}"


def _next(stack: Stack) -> list[str]:
    steps = []
    if stack.has_fleet and not stack.config.image:
        image = f"{repository_url(stack)}/sightline:1"
        steps += [
            f"gcloud auth configure-docker {stack.region}-docker.pkg.dev",
            f"docker build --platform linux/amd64 -t {image} . && docker push {image}",
            f"pulumi config set image {shlex.quote(image)} && pulumi up",
        ]
    elif stack.runs_on_gke:
        steps.append('eval "$(pulumi stack output applyCommand)"')
    if not stack.grants_on_bucket:
        steps.append("pulumi stack output grantCommands")
    if not stack.source:
        steps.append("sightline upload PHOTOS gs://BUCKET/PREFIX, or set sightline:source")
    return [*steps, "sightline config from-stack", "sightline setup"]


def _dashboard_url(stack: Stack, resource_name: str) -> str:
    name = json.dumps(resource_name.rpartition("/")[2]).strip('"')
    return (
        f"https://console.cloud.google.com/monitoring/dashboards/builder/{name}"
        f"?project={stack.project}"
    )
