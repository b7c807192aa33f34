"""What ``sightline search`` and ``sightline similar`` show."""

from __future__ import annotations

import os
from dataclasses import asdict
from urllib.parse import unquote_to_bytes, urlsplit

from sightline.cli.output import print_json, print_table, remark, say
from sightline.model import asset_name
from sightline.operations.search import SearchResult
from sightline.ports import SearchHit, SearchPlan
from sightline.tasks import answer_text
from sightline.wire import observation_to_row

_MB = 1 << 20


def short_uri(uri: str) -> str:
    """Return a local image's path, relative if that is shorter; other URIs unchanged."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return uri
    path = os.fsdecode(unquote_to_bytes(parts.path))
    shortest = min((path, os.path.relpath(path)), key=len)
    return shortest.encode("utf-8", "replace").decode()


def print_hits(result: SearchResult, *, as_json: bool) -> None:
    """Print hits, best first."""
    for line in result.remarks:
        remark(line)
    hits = result.hits
    if as_json:
        print_json([_as_dict(hit) for hit in hits])
        return
    if not hits:
        say("nothing found")
        return
    print_table(
        "",
        ("score", "asset type", "answers", "latitude", "longitude", "image"),
        [
            (
                hit.score,
                asset_name(hit.observation.asset_type),
                "; ".join(filter(None, map(answer_text, hit.answers.values()))),
                _degrees(hit.observation.latitude),
                _degrees(hit.observation.longitude),
                short_uri(hit.observation.gcs_uri),
            )
            for hit in hits
        ],
    )


def _degrees(value: float | None) -> str:
    return "-" if value is None else f"{value:.5f}"


def _as_dict(hit: SearchHit) -> dict[str, object]:
    return {
        "score": hit.score,
        **{
            name: value
            for name, value in observation_to_row(hit.observation).items()
            if name not in {"bbox", "camera_pose"}
        },
        "answers": hit.answers,
    }


def print_plan(plan: SearchPlan, *, as_json: bool) -> None:
    """Print how a search would be executed."""
    if as_json:
        print_json({**asdict(plan), "selectivity": plan.selectivity})
        return
    how = {
        "exact": "compare every vector that passes the filters",
        "index": "look up candidates in the index, and rank them by their vectors",
        "newest": "show the newest images that pass the filters",
    }
    say(f"plan      {how[plan.method]}")
    say(f"why       {plan.reason}")
    say(f"filters   {plan.allowed:,} of {plan.rows:,} rows pass ({plan.selectivity:.2%})")
    say(f"compared  {'about ' if plan.method == 'index' else ''}{plan.compared:,} rows")
    if plan.method == "index" and plan.lists is not None:
        say(f"lists     {plan.probes:,} of {plan.lists:,} are searched")
    if plan.bytes_read is not None:
        say(f"reads     {plan.bytes_read / _MB:,.1f} MB, by a dry run")
    if plan.statement is not None:
        say(f"\n{plan.statement}")
