"""Workers on Cloud Run: a pool that is always on, or a job that drains the backlog and ends."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import pulumi
import pulumi_gcp as gcp

from infra.job_settings import environment
from infra.stack import Stack

run = gcp.cloudrunv2
WORK = ("-m", "worker")
ENQUEUE = ("-m", "producer")
PRODUCER_TIMEOUT_S = 3600
COLLECTOR = "collector"


def worker_pool(
    stack: Stack, email: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> gcp.cloudrunv2.WorkerPool:
    """Create a pool of workers that is always on."""
    chosen = stack.config
    worker = run.WorkerPoolTemplateContainerArgs(
        name="worker",
        image=chosen.image,
        args=[*WORK],
        envs=[
            run.WorkerPoolTemplateContainerEnvArgs(name=name, value=value)
            for name, value in environment(stack).items()
        ],
        resources=run.WorkerPoolTemplateContainerResourcesArgs(
            limits={"cpu": chosen.cpu, "memory": chosen.memory}
        ),
    )
    collector = run.WorkerPoolTemplateContainerArgs(name=COLLECTOR, image=chosen.collector_image)
    return run.WorkerPool(
        "worker-pool",
        project=stack.project,
        location=stack.region,
        name=stack.names.of("worker"),
        description="Workers of Sightline, always on",
        labels=stack.labels,
        deletion_protection=False,  # it holds no data, and a fleet may be changed
        scaling=run.WorkerPoolScalingArgs(manual_instance_count=chosen.workers),
        template=run.WorkerPoolTemplateArgs(
            service_account=email,
            containers=[worker, collector] if chosen.collector_image else [worker],
            labels=stack.labels,
        ),
        opts=opts,
    )


def drain_job(
    stack: Stack, email: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> gcp.cloudrunv2.Job:
    """Create a job whose tasks are workers that end when the backlog is empty."""
    chosen = stack.config
    return _job(
        stack,
        "worker",
        (*WORK, "--drain"),
        email,
        opts,
        tasks=chosen.workers,
        parallelism=chosen.parallelism or chosen.workers,
        timeout_s=chosen.task_timeout_s,
    )


def producer_job(
    stack: Stack, email: pulumi.Input[str], opts: pulumi.ResourceOptions
) -> gcp.cloudrunv2.Job:
    """Create the job that enqueues work that is not done yet."""
    arguments = (*ENQUEUE, *shlex.split(stack.config.producer_arguments))
    return _job(stack, "producer", arguments, email, opts, timeout_s=PRODUCER_TIMEOUT_S)


def _job(
    stack: Stack,
    name: str,
    arguments: Sequence[str],
    email: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
    *,
    timeout_s: int,
    tasks: int = 1,
    parallelism: int = 1,
) -> gcp.cloudrunv2.Job:
    chosen = stack.config
    container = run.JobTemplateTemplateContainerArgs(
        name=name,
        image=chosen.image,
        args=[*arguments],
        envs=[
            run.JobTemplateTemplateContainerEnvArgs(name=key, value=value)
            for key, value in environment(stack, is_worker=name == "worker").items()
        ],
        resources=run.JobTemplateTemplateContainerResourcesArgs(
            limits={"cpu": chosen.cpu, "memory": chosen.memory}
        ),
    )
    return run.Job(
        f"{name}-job",
        project=stack.project,
        location=stack.region,
        name=stack.names.of(name),
        labels=stack.labels,
        deletion_protection=False,
        template=run.JobTemplateArgs(
            task_count=tasks,
            parallelism=parallelism,
            labels=stack.labels,
            template=run.JobTemplateTemplateArgs(
                service_account=email,
                timeout=f"{timeout_s}s",
                max_retries=3,
                containers=[container],
            ),
        ),
        opts=opts,
    )
