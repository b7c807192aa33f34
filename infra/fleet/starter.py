"""Starts jobs on a schedule: Cloud Scheduler, with an account that may start only these jobs."""

from __future__ import annotations

import pulumi
import pulumi_gcp as gcp

from infra.roles import Role, account, grant
from infra.stack import Stack

INVOKER = "roles/run.invoker"
ATTEMPTS = 3

STARTER_STARTS_WORKERS = Role(
    "starter-starts-workers", "starter", INVOKER, "the job of the workers",
    "Cloud Scheduler starts it with this account", "`drainSchedule` is set",
)  # fmt: skip
STARTER_STARTS_PRODUCER = Role(
    "starter-starts-producer", "starter", INVOKER, "the job of the producer",
    "Cloud Scheduler starts it with this account", "`producerSchedule` is set",
)  # fmt: skip
GRANTS = (STARTER_STARTS_WORKERS, STARTER_STARTS_PRODUCER)


def starter_account(stack: Stack, opts: pulumi.ResourceOptions) -> gcp.serviceaccount.Account:
    """Create the account that starts jobs."""
    return gcp.serviceaccount.Account(
        "starter",
        project=stack.project,
        account_id=stack.names.of("starter"),
        display_name="Sightline: starts jobs on a schedule",
        opts=opts,
    )


def start_by_clock(
    stack: Stack,
    role: Role,
    job: gcp.cloudrunv2.Job,
    starter: gcp.serviceaccount.Account,
    schedule: str,
    opts: pulumi.ResourceOptions,
) -> gcp.cloudscheduler.Job:
    """Start a job on this schedule, in UTC."""
    target = {"project": stack.project, "location": stack.region, "name": job.name}
    grant(role, gcp.cloudrunv2.JobIamMember, account(starter.email), target, opts)
    what = role.name.rpartition("-")[2]
    return gcp.cloudscheduler.Job(
        f"{what}-schedule",
        project=stack.project,
        region=stack.region,
        name=stack.names.of(what),
        description=f"Starts Sightline's {what}",
        schedule=schedule,
        time_zone="Etc/UTC",
        attempt_deadline="320s",
        retry_config=gcp.cloudscheduler.JobRetryConfigArgs(retry_count=ATTEMPTS),
        http_target=gcp.cloudscheduler.JobHttpTargetArgs(
            http_method="POST",
            uri=pulumi.Output.concat(
                "https://run.googleapis.com/v2/projects/",
                stack.project,
                "/locations/",
                stack.region,
                "/jobs/",
                job.name,
                ":run",
            ),
            oauth_token=gcp.cloudscheduler.JobHttpTargetOauthTokenArgs(
                service_account_email=starter.email,
                scope="https://www.googleapis.com/auth/cloud-platform",
            ),
        ),
        opts=opts,
    )
