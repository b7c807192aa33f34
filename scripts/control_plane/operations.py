"""Operations that take a while: begun by one call, done when they are asked about."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Any

from scripts.control_plane.calls import Call, key_of
from scripts.control_plane.discovery import RefusedError

MESSAGES = {"Operation", "GoogleLongrunningOperation"}
_CONTAINER = "https://container.googleapis.com/v1/"


class Operations:
    """All operations of the project."""

    def __init__(self) -> None:
        self._done: dict[str, Mapping[str, Any]] = {}
        self._count = itertools.count(1)

    def begin(self, call: Call, name: str, resource: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the answer to a call that made, changed or removed a resource."""
        if call.method.response not in MESSAGES:
            return resource
        if call.service == "container":
            return self._begin_at_container(name)
        where = "/".join(name.split("/")[:4]) + "/" if "/locations/" in name else ""
        operation = f"{where}operations/{next(self._count)}"
        response = {"@type": f"type.googleapis.com/google.{call.service}.Response", **resource}
        done = {"name": operation, "done": True, "response": response}
        self._done[key_of(call.service, operation)] = done
        return {"name": operation, "done": False}

    def find(self, call: Call) -> Mapping[str, Any]:
        """Return an operation, which is done by now.

        Raises:
            RefusedError: there is none.
        """
        if call.key not in self._done:
            raise RefusedError(404, "NOT_FOUND", f"Operation '{call.name}' was not found")
        return self._done[call.key]

    def _begin_at_container(self, name: str) -> Mapping[str, Any]:
        where = "/".join(name.split("/")[:4])
        operation = f"operation-{next(self._count)}"
        status = {
            "name": operation,
            "operationType": "CREATE_CLUSTER",
            "location": name.split("/")[3],
            "selfLink": f"{_CONTAINER}{where}/operations/{operation}",
            "targetLink": _CONTAINER + name,
        }
        done = {**status, "status": "DONE"}
        self._done[key_of("container", f"{where}/operations/{operation}")] = done
        return {**status, "status": "RUNNING"}
