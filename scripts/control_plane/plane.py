"""The control plane: keeps what is created, and answers as Google's APIs do, one rule a verb.

A create of what is there is refused, a read of what is not; an API must be enabled before it is
called; an update changes the fields it names; an operation is done when it is asked about.
"""

from __future__ import annotations

import copy
import hashlib
import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from scripts.control_plane.calls import Call, key_of, merge, set_path, strip_read_only
from scripts.control_plane.discovery import RefusedError
from scripts.control_plane.operations import MESSAGES, Operations
from scripts.control_plane.policies import Policies
from scripts.control_plane.project import Project
from scripts.control_plane.resources import EPOCH

MERGING = {"bigquery", "storage"}
"""Services whose updates merge what they are given into what is there."""


class ControlPlane:
    """One project, and what is in it."""

    def __init__(self, project: str) -> None:
        """Begin with a project that has an owner and nothing else."""
        self.resources: dict[str, dict[str, Any]] = {}
        self.operations = Operations()
        self.project = Project(project, self.operations, self.resources)
        self.policies = Policies(self.project.account_exists)
        self._count = itertools.count(1)
        owner = [{"role": "roles/owner", "members": ["user:owner@example.com"]}]
        root = key_of("cloudresourcemanager", f"projects/{project}")
        self.policies.set(root, {"bindings": owner})
        self._rules: Mapping[str, Callable[[Call], Mapping[str, Any]]] = {
            "get": self.resource,
            "list": self._list,
            "create": self._create,
            "insert": self._create,
            "patch": self._update,
            "update": self._update,
            "delete": self._delete,
            "pause": lambda call: self._switch(call, "PAUSED"),
            "resume": lambda call: self._switch(call, "ENABLED"),
            "getIamPolicy": lambda call: self.policies.get(call.key),
            "setIamPolicy": self._set_policy,
            "testIamPermissions": lambda call: {"permissions": call.body.get("permissions", [])},
        }

    def answer(self, call: Call) -> Mapping[str, Any]:
        """Answer a call.

        Raises:
            RefusedError: as Google would refuse it.
        """
        if call.method.collection == "operations" and call.method.action == "get":
            return self.operations.find(call)
        answer = self.project.answer(call)
        if answer is not None:
            return answer
        rule = self._rules.get(call.method.action)
        if rule is None:
            raise RefusedError(501, "UNIMPLEMENTED", f"no rule for {call.method.name}")
        return rule(call)

    def has(self, call: Call) -> bool:
        """Return whether the resource of a call is kept here."""
        return call.key in self.resources

    def resource(self, call: Call) -> dict[str, Any]:
        """Return the resource of a call.

        Raises:
            RefusedError: there is none.
        """
        if call.key not in self.resources:
            raise RefusedError(404, "NOT_FOUND", f"Resource '{call.name}' was not found")
        return self.resources[call.key]

    def drop(self, call: Call) -> None:
        """Forget a resource, all below it, and its policy."""
        below = f"{call.key}/"
        for resource in [
            resource
            for resource in self.resources
            if resource == call.key or resource.startswith(below)
        ]:
            del self.resources[resource]
        self.policies.forget(call.key)

    def _list(self, call: Call) -> Mapping[str, Any]:
        answer = call.method.schema(call.method.response)["properties"]
        (name,) = (field for field, it in answer.items() if "$ref" in it.get("items", {}))
        within = f"{call.key}/"
        below = [
            resource
            for key, resource in self.resources.items()
            if key.startswith(within) and "/" not in key.removeprefix(within)
        ]
        return {name: below} if below else {}

    def _create(self, call: Call) -> Mapping[str, Any]:
        kind = call.kind
        name = call.name
        if call.method.verb == "POST":
            self._check_parent(call)
            name = f"{name}/{_new_id(call)}"
        key = key_of(call.service, name)
        if key in self.resources:
            raise RefusedError(409, "ALREADY_EXISTS", f"Resource '{name}' already exists")
        resource = copy.deepcopy(dict(call.body.get(kind.body, {}) if kind.body else call.body))
        fields = call.fields
        strip_read_only(resource, fields)
        if "name" in fields:
            resource["name"] = name.rpartition("/")[2] if kind.short_name else name
        known = {
            "etag": self._etag(),
            "uid": hashlib.sha256(name.encode()).hexdigest()[:32],
            "createTime": EPOCH,
            "updateTime": EPOCH,
            "generation": "1",
            "observedGeneration": "1",
        }
        resource |= {field: value for field, value in known.items() if field in fields}
        if kind.filled is not None:
            filled = kind.filled(name, resource)
            self.project.accounts |= set(_accounts_in(filled))
            merge(resource, filled)
        self.resources[key] = resource
        return self.operations.begin(call, name, resource)

    def _update(self, call: Call) -> Mapping[str, Any]:
        now = self.resource(call)
        body, mask = call.body, call.query.get("updateMask", "")
        if call.kind.body and set(body) <= {"updateMask", call.kind.body}:
            body, mask = body.get(call.kind.body, {}), body.get("updateMask", mask)
        if body.get("etag") and now.get("etag") and body["etag"] != now["etag"]:
            raise RefusedError(409, "ABORTED", f"the etag of '{call.name}' is another")
        fields = call.fields
        change = copy.deepcopy(dict(body))
        strip_read_only(change, fields)
        change.pop("name", None)
        if mask:
            for path in mask.split(","):
                set_path(now, change, call.method.document.check_mask(path, call.message))
        elif call.service in MERGING:
            merge(now, change)
        else:
            _replace(now, change, _settable(call, now))
        if "etag" in fields:
            now["etag"] = self._etag()
        if "generation" in fields:
            now["generation"] = now["observedGeneration"] = str(int(now["generation"]) + 1)
        return self.operations.begin(call, call.name, now)

    def _delete(self, call: Call) -> Mapping[str, Any]:
        gone = self.resource(call)
        self.drop(call)
        result = gone if call.method.response in MESSAGES else {}
        return self.operations.begin(call, call.name, result)

    def _switch(self, call: Call, state: str) -> Mapping[str, Any]:
        resource = self.resource(call)
        resource["state"] = state
        return resource

    def _set_policy(self, call: Call) -> Mapping[str, Any]:
        return self.policies.set(call.key, call.body.get("policy", call.body))

    def _check_parent(self, call: Call) -> None:
        parent = call.name.rpartition("/")[0]
        is_place = len(parent.split("/")) <= 2 or parent.split("/")[-2] == "locations"
        is_emulated = call.service in {*MERGING, "pubsub"}
        if not is_place and not is_emulated and key_of(call.service, parent) not in self.resources:
            raise RefusedError(404, "NOT_FOUND", f"Resource '{parent}' was not found")

    def _etag(self) -> str:
        return f'"etag-{next(self._count)}"'


def _new_id(call: Call) -> str:
    parameters = [
        parameter
        for parameter in call.query
        if parameter in call.method.query and parameter.endswith("Id")
    ]
    if parameters:
        return call.query[parameters[0]]
    if call.kind.named is None:
        raise RefusedError.argument(f"{call.method.name}: the id of the new resource is missing")
    return call.kind.named(call.body, call.name)


def _settable(call: Call, now: Mapping[str, Any]) -> set[str]:
    filled = call.kind.filled(call.name, now) if call.kind.filled else {}
    fixed = {"name", "etag", *filled}
    return {name for name, it in call.fields.items() if not it.get("readOnly")} - fixed


def _replace(now: dict[str, Any], change: Mapping[str, Any], settable: set[str]) -> None:
    for name in settable - change.keys():
        now.pop(name, None)
    now.update(change)


def _accounts_in(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for item in value.values():
            yield from _accounts_in(item)
    elif isinstance(value, str) and value.endswith(".iam.gserviceaccount.com"):
        yield value
