"""What the commands that find images share: what is asked, and how hits and plans are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sightline.cli.output import answer_text, print_json, print_table, remark, say

if TYPE_CHECKING:
    from sightline.ports import AnswerFilter, Embedder, Hit, SearchPlan
    from sightline.settings import Settings
    from sightline.tasks import FieldSpec

_MB = 1 << 20


def answer_filters(texts: Sequence[str] | None, settings: Settings) -> tuple[AnswerFilter, ...]:
    """Return the filters that texts such as ``road_signs.lighting=night`` mean.

    Raises:
        ConfigurationError, NotFoundError: a text is none, or names what no task has.
    """
    return tuple(_answer_filter(one, settings) for one in texts or [])


def _answer_filter(text: str, settings: Settings) -> AnswerFilter:
    from sightline.errors import ConfigurationError, NotFoundError
    from sightline.ports import AnswerFilter
    from sightline.wiring import known_tasks

    name, equals, value = text.partition("=")
    task, dot, field = name.partition(".")
    if not (equals and dot and task and field and value):
        raise ConfigurationError(
            f"--answer {text!r} is not accepted; give one such as road_signs.condition=graffiti"
        )
    known = known_tasks(settings)
    if task not in known:
        raise NotFoundError(f"--answer {text!r}: no task {task!r}; there are {', '.join(known)}")
    fields = [one.name for one in known[task].fields]
    if field not in fields:
        raise NotFoundError(f"--answer {text!r}: no such field; give one of {', '.join(fields)}")
    accepted = _accepted(next(one for one in known[task].fields if one.name == field))
    if accepted and value.lower() not in accepted:
        raise NotFoundError(f"--answer {text!r}: no such value; give one of {', '.join(accepted)}")
    return AnswerFilter(task, field, value.lower() if accepted else value)


def _accepted(field: FieldSpec) -> tuple[str, ...]:
    return ("true", "false") if field.type == "boolean" else field.values


async def image_vector(embedder: Embedder, image: Path, said: str) -> Sequence[float]:
    """Return the vector of an image file; ``said`` is what it is called in an error.

    Raises:
        ConfigurationError: it is no image that the model takes.
    """
    from sightline.errors import ConfigurationError, PermanentError
    from sightline.model import Observation

    query = Observation("query", "query", "query", "", file_uri(image))
    try:
        found = await embedder.embed_image(query, run_id="search")
    except PermanentError as error:
        raise ConfigurationError(f"{said}: {error}; give a JPEG, PNG or WebP") from error
    return found.vector


async def text_vector(embedder: Embedder, text: str) -> Sequence[float]:
    """Return the vector of words; those that the model does not know are told.

    Raises:
        ConfigurationError: the model knows none of them.
    """
    from sightline.errors import ConfigurationError

    found = await embedder.embed_text(text)
    words = set(re.findall(r"\w+", text.lower()))
    if words <= set(found.unknown_words):
        raise ConfigurationError(
            f"the model knows none of the words {text!r}; describe what the image shows, such as"
            ' "a leaning wooden pole"'
        )
    if found.unknown_words:
        remark(f"the model does not know: {', '.join(found.unknown_words)}")
    return found.vector


def file_uri(path: Path) -> str:
    """Return a file's URI, as the import writes it."""
    return path.absolute().as_uri()


def short_uri(uri: str) -> str:
    """Return a local image's path, relative to here where that is shorter; others unchanged."""
    import os
    from urllib.parse import unquote_to_bytes, urlsplit

    parts = urlsplit(uri)
    if parts.scheme != "file":
        return uri
    path = os.fsdecode(unquote_to_bytes(parts.path))
    shown = min((path, os.path.relpath(path)), key=len)
    return shown.encode("utf-8", "replace").decode()


def print_hits(hits: Sequence[Hit], *, as_json: bool) -> None:
    """Print hits, the best first."""
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
                hit.observation.asset_type.removeprefix("ASSET_CLASS_").lower(),
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


def _as_dict(hit: Hit) -> dict[str, Any]:
    from sightline.wire import observation_to_row

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
    """Print how a search would be done."""
    from dataclasses import asdict

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
        say(f"reads     {plan.bytes_read / _MB:,.1f} MB, as a dry run says")
    if plan.statement is not None:
        say(f"\n{plan.statement}")
