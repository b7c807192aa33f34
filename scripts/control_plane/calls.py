"""A request that was found to be in order, and how values in it are changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from scripts.control_plane.discovery import Method
from scripts.control_plane.resources import KINDS, Kind


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a method. ``name`` is what it is about, ``projects/p/topics/t``."""

    method: Method
    host: str
    name: str
    query: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def service(self) -> str:
        """The service: ``run``."""
        return self.host.partition(".")[0]

    @property
    def kind(self) -> Kind:
        """What is special about this kind of resource."""
        return KINDS.get(f"{self.service} {self.method.collection}", Kind())

    @property
    def key(self) -> str:
        """The name, told apart from those of other services."""
        return key_of(self.service, self.name)

    @property
    def message(self) -> str:
        """The name of the message that describes the resource."""
        method = self.method
        if self.kind.body and method.request:
            return str(method.schema(method.request)["properties"][self.kind.body]["$ref"])
        return method.request or method.response

    @property
    def fields(self) -> Mapping[str, Any]:
        """The fields of that message."""
        return self.method.document.fields({"$ref": self.message}) if self.message else {}

    def about(self, name: str) -> Call:
        """Return the same call about something else."""
        return replace(self, name=name)


def key_of(service: str, name: str) -> str:
    """Return a name, told apart from those of other services."""
    return f"{service}: {name}"


def strip_read_only(value: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """Take away what only Google sets, which it ignores in requests."""
    for name in [name for name in value if fields.get(name, {}).get("readOnly")]:
        del value[name]


def set_path(into: dict[str, Any], change: Mapping[str, Any], path: Sequence[str]) -> None:
    """Set what a path of a field mask names; what the change lacks is removed."""
    *folders, leaf = path
    source: Any = change
    for folder in folders:
        source = (source or {}).get(folder)
        into = into.setdefault(folder, {})
    if isinstance(source, Mapping) and leaf in source:
        into[leaf] = source[leaf]
    else:
        into.pop(leaf, None)


def merge(into: dict[str, Any], change: Mapping[str, Any]) -> None:
    """Merge a change as JSON Merge Patch does: null removes."""
    for name, value in change.items():
        if value is None:
            into.pop(name, None)
        elif isinstance(value, Mapping) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value
