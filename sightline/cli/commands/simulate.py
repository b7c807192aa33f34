"""``sightline simulate vertex``: a simulated model service on this machine, with faults."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from typing import Annotated, cast

import typer

from sightline.cli.options import AsJson
from sightline.cli.output import print_json, remark, say
from sightline.errors import ConfigurationError
from sightline.extras import install_command
from sightline.http_client.hosts import Authority, parse_names
from sightline.redaction import shown_endpoint
from sightline.sim.vertex import ANY_MODEL, Behaviour, Latency, RateStep, Schedule
from sightline.sim.vertex.options import faults_of, schedule_of

app = typer.Typer(
    help="Run a stand-in for a service that costs money.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
GOOGLE = "https://storage.googleapis.com"


@app.callback()
def simulate() -> None:
    """Run a stand-in for a service that costs money."""


@app.command("vertex", short_help="The models of Vertex AI and the Gemini API.")
def vertex(
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="0 chooses a free one.", min=0, max=65535)] = 8090,
    allow_host: Annotated[
        list[str] | None,
        typer.Option(
            help="A host name that requests may use besides the address; may be repeated."
        ),
    ] = None,
    answers: Annotated[
        str,
        typer.Option(help="The source of answers: demo reads the images, instant invents them."),
    ] = "demo",
    gcs_endpoint: Annotated[
        str,
        typer.Option(
            help="A service from which the demo model reads gs:// images, without credentials."
        ),
    ] = GOOGLE,
    rate_per_s: Annotated[
        float | None,
        typer.Option(
            help="Each model's quota in calls per second; default: none.", min=0, max=1_000_000
        ),
    ] = None,
    quota: Annotated[
        str | None, typer.Option(help="A quota that changes, such as 0s:50,60s:20,120s:none.")
    ] = None,
    median_s: Annotated[
        float, typer.Option(help="The median latency of an answer.", min=0, max=3600)
    ] = 0.0,
    p99_s: Annotated[
        float,
        typer.Option(
            help="The latency that one answer in a hundred exceeds; 0: all take the median.",
            min=0,
            max=3600,
        ),
    ] = 0.0,
    refusal_s: Annotated[
        float, typer.Option(help="The latency of a refusal.", min=0, max=3600)
    ] = 0.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="KIND=SHARE of all calls, such as throttled=0.1; may be repeated."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Other seeds draw other faults and latencies.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Serve until stopped; print the URL first, and the counts at the end.

    SIGTERM or Ctrl-C stops it, and is not an error. Set vertex.endpoint or gemini.endpoint to the
    URL. Example: sightline simulate vertex --rate-per-s 50 --median-s 2
    """
    try:
        from sightline.sim.vertex.running import (  # noqa: PLC0415 - an extra has what it needs
            Answers,
            serve_until_stopped,
        )
    except ModuleNotFoundError as error:
        raise ConfigurationError(
            f"the simulator needs {error.name}; run `{install_command('gcp')}`"
        ) from error
    if answers not in {"demo", "instant"}:
        raise ConfigurationError(f"--answers {answers} is not accepted; accepted: demo, instant")
    try:
        counters = asyncio.run(
            serve_until_stopped(
                _behaviour(rate_per_s, quota, (median_s, p99_s, refusal_s), fault or []),
                host=host,
                port=port,
                seed=seed,
                answers=cast("Answers", answers),
                gcs_endpoint=gcs_endpoint,
                host_names=_host_names(allow_host or []),
                on_ready=_say_where_in_json if as_json else _say_where,
            )
        )
    except OSError as error:
        raise ConfigurationError(
            f"{host}:{port} cannot be listened on ({error.strerror}); choose another --port,"
            " 0 takes a free one"
        ) from error
    if as_json:
        print_json({"counters": counters})
    else:
        _say_counters(counters)


def _host_names(names: list[str]) -> Sequence[Authority]:
    try:
        return parse_names(names)
    except ValueError as error:
        raise ConfigurationError(
            f"--allow-host {shown_endpoint(str(error))!r} is not accepted; accepted: a name such as"
            " simulator or simulator:8090"
        ) from error


def _behaviour(
    rate_per_s: float | None,
    quota: str | None,
    latency_s: tuple[float, float, float],
    faults: list[str],
) -> Behaviour:
    if rate_per_s is not None and quota is not None:
        raise ConfigurationError("--rate-per-s and --quota both set the quota; give one of them")
    try:
        schedule = schedule_of(quota) if quota else Schedule.of([RateStep(0.0, rate_per_s)])
        return Behaviour({ANY_MODEL: schedule}, faults_of(faults), Latency(*latency_s))
    except ValueError as error:
        raise ConfigurationError(str(error)) from error


def _say_where(url: str) -> None:
    say(url)
    sys.stdout.flush()
    remark("a simulated service: nothing is paid; Ctrl-C stops it")


def _say_where_in_json(url: str) -> None:
    # On one line, so that a reader need not wait for the end of a document.
    sys.stdout.write(json.dumps({"base_url": url}) + "\n")
    sys.stdout.flush()


def _say_counters(counters: dict[str, object]) -> None:
    for name, value in counters.items():
        if isinstance(value, dict):
            for key, count in sorted(value.items()):
                say(f"{name.replace('_', ' ')} {key}: {count:,}")
        elif name.endswith("_tokens") or value:
            say(f"{name.replace('_', ' ')}: {value:,}")
