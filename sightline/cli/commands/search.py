"""``sightline search``: words or an image find images."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightline.cli.options import AsJson, AssetType, Box, Near, Polygon, Since, Until
from sightline.cli.output import answer_text, print_json, print_table, remark, say
from sightline.cli.state import State

if TYPE_CHECKING:
    from sightline.tasks import FieldSpec


def search(
    context: typer.Context,
    text: Annotated[str | None, typer.Argument(help="What the image shows.")] = None,
    image: Annotated[Path | None, typer.Option(help="An image to find the like of.")] = None,
    top: Annotated[int, typer.Option(help="How many hits.", min=1, max=10_000)] = 10,
    answer: Annotated[
        list[str] | None,
        typer.Option(help="TASK.FIELD=VALUE that the answer must have; may be repeated."),
    ] = None,
    asset_type: AssetType = None,
    since: Since = None,
    until: Until = None,
    box: Box = None,
    near: Near = None,
    polygon: Polygon = None,
    as_json: AsJson = False,
) -> None:
    """Find images by words, by another image, or by their answers alone.

    Example: sightline search "leaning wooden pole" --near 52.09,5.12,500
    """
    import asyncio

    from producer.filters import build_filter
    from sightline.errors import ConfigurationError

    if text is not None and image is not None:
        raise ConfigurationError("search for words or for an image? give one of them")
    if text is None and image is None and not answer:
        raise ConfigurationError("search for what? give words, or --image FILE, or --answer")
    which = build_filter(
        asset_types=asset_type or [],
        captured_from=since,
        captured_until=until,
        box=box,
        near=near,
        polygon=polygon,
    )
    state: State = context.obj
    settings = state.settings()
    answers = tuple(_answer_filter(one, settings) for one in answer or [])
    hits = asyncio.run(_search(settings, text, image, top, which, answers))
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


def _answer_filter(text: str, settings: Any) -> Any:
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
        raise NotFoundError(f"--answer {text!r}: {task} has the fields {', '.join(fields)}")
    accepted = _accepted(next(one for one in known[task].fields if one.name == field))
    if accepted and value.lower() not in accepted:
        raise NotFoundError(f"--answer {text!r}: {field} is one of {', '.join(accepted)}")
    return AnswerFilter(task, field, value.lower() if accepted else value)


def _accepted(field: FieldSpec) -> tuple[str, ...]:
    return ("true", "false") if field.type == "boolean" else field.values


async def _search(
    settings: Any, text: str | None, image: Path | None, top: int, which: Any, answers: Any
) -> Any:
    from sightline.ports import SearchQuery
    from sightline.wiring import open_engine, open_models

    async with open_engine(settings) as engine:
        vector = None
        if text is not None or image is not None:
            async with open_models(settings) as models:
                vector = await _vector(models, text, image)
        return await engine.search.search(
            SearchQuery(
                settings.models.embed,
                settings.models.embed_dimension,
                vector,
                top=top,
                filter=which,
                answers=answers,
            )
        )


async def _vector(models: Any, text: str | None, image: Path | None) -> Any:
    from sightline.errors import ConfigurationError
    from sightline.model import Observation

    if image is not None:
        from sightline.errors import PermanentError

        uri = _file_uri(image)
        try:
            found = await models.embed.embed_image(
                Observation("query", "query", "query", "", uri), run_id="search"
            )
        except PermanentError as error:
            raise ConfigurationError(
                f"--image {image}: {error}; give a JPEG, PNG or WebP"
            ) from error
        return found.vector
    text = text or ""
    found = await models.embed.embed_text(text)
    words = set(re.findall(r"\w+", text.lower()))
    if words <= set(found.unknown_words):
        raise ConfigurationError(
            f"the model knows none of the words {text!r}; describe what the image shows, such as"
            ' "a leaning wooden pole"'
        )
    if found.unknown_words:
        remark(f"the model does not know: {', '.join(found.unknown_words)}")
    return found.vector


def _file_uri(path: Path) -> str:
    return path.absolute().as_uri()


def _as_dict(hit: Any) -> dict[str, Any]:
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
