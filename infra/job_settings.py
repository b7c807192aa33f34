"""The job's settings that follow from the stack: for containers, and for a user's settings file."""

from __future__ import annotations

from collections.abc import Mapping

from infra.stack import Stack

Value = str | int | float
JobSettings = Mapping[str, str | Mapping[str, Value]]
OTLP_ENDPOINT = "http://127.0.0.1:4318"
PROMETHEUS_PORT = 9464


def job_settings(stack: Stack) -> JobSettings:
    """Return the settings by section, as in a settings file; all values are known."""
    chosen, names = stack.config, stack.names
    return {
        "engine": "gcp",
        "gcp": {"project": stack.project},
        "bigquery": {
            "dataset": stack.dataset,
            "location": stack.location,
            "source": stack.source,
            "layout": chosen.source_layout,
        },
        "sql": {
            "connection": f"{stack.project}.{stack.location.lower()}.{names.of('models')}",
            "models_dataset": stack.models_dataset,
        },
        "batch": {"bucket": f"gs://{stack.batch_bucket}"},
        "pubsub": {
            "topic": names.of("work"),
            "subscription": names.of("work"),
            "dead_letter_topic": names.of("abandoned"),
            "dead_letter_subscription": names.of("abandoned"),
        },
        "vertex": {
            "location": chosen.model_location,
            "embed_location": chosen.embed_location,
        },
        "gcs": {"bucket": stack.bucket},
        "models": {
            "classify": chosen.classify_model,
            "embed": chosen.embed_model,
            "embed_dimension": chosen.embed_dimension,
        },
        "worker": {
            "grace_s": float(chosen.grace_s),
            "peers": f"gs://{stack.reports_bucket}",
        },
    }


def environment(stack: Stack, *, is_worker: bool = True) -> Mapping[str, str]:
    """Return the settings as environment variables for containers of this stack."""
    variables: dict[str, str] = {}
    for name, value in job_settings(stack).items():
        if isinstance(value, Mapping):
            variables |= {
                f"SIGHTLINE_{name}__{key}".upper(): str(item) for key, item in value.items()
            }
        else:
            variables[f"SIGHTLINE_{name}".upper()] = value
    variables["SIGHTLINE_TELEMETRY__LOG_FORMAT"] = "json"
    if not is_worker:
        return dict(sorted(variables.items()))
    if stack.runs_on_gke:
        variables["SIGHTLINE_TELEMETRY__PROMETHEUS_PORT"] = str(PROMETHEUS_PORT)
        variables["SIGHTLINE_TELEMETRY__PROMETHEUS_HOST"] = "0.0.0.0"  # noqa: S104 - inside a pod
    elif stack.config.collector_image:
        variables["SIGHTLINE_TELEMETRY__OTLP_ENDPOINT"] = OTLP_ENDPOINT
    return dict(sorted(variables.items()))
