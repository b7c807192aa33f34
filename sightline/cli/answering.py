"""Whose answers a command is about: a task by name, and the options that choose among them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sightline.tasks import TaskSpec

NEXT = "run `sightline enqueue` and `sightline work`"


def chosen_task(
    name: str | None, asked: Sequence[TaskSpec], known: Mapping[str, object]
) -> TaskSpec:
    """Return the task of this name among those that were ever asked; without a name the only one.

    Raises:
        NotFoundError: there is none, or it was never asked.
        ConfigurationError: no name is given, and there are several.
    """
    from sightline.errors import ConfigurationError, NotFoundError

    names = [one.name for one in asked]
    if name is None and len(asked) == 1:
        return asked[0]
    if name in names:
        return asked[names.index(name)]
    if not asked and (name is None or name in known):
        raise NotFoundError(f"nothing is answered yet; {NEXT}")
    if name is None:
        raise ConfigurationError(f"which task? give one of {', '.join(names)}")
    if name in known:
        raise NotFoundError(f"{name} was not asked yet; run `sightline enqueue --task {name}`")
    raise NotFoundError(f"no task {name!r}; there are {', '.join(sorted({*names, *known}))}")
