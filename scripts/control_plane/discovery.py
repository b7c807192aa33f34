"""What Google's APIs take: every path, parameter and field, from Google's discovery documents.

The documents ship inside google-api-python-client. What they do not have is refused in the words
that Google refuses it with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote

HOSTS: Mapping[str, tuple[str, ...]] = {
    "analyticshub.googleapis.com": ("analyticshub.v1",),
    "artifactregistry.googleapis.com": ("artifactregistry.v1",),
    "bigquery.googleapis.com": ("bigquery.v2",),
    "bigqueryconnection.googleapis.com": ("bigqueryconnection.v1",),
    "bigqueryreservation.googleapis.com": ("bigqueryreservation.v1",),
    "billingbudgets.googleapis.com": ("billingbudgets.v1",),
    "cloudbilling.googleapis.com": ("cloudbilling.v1",),
    "cloudkms.googleapis.com": ("cloudkms.v1",),
    "cloudresourcemanager.googleapis.com": ("cloudresourcemanager.v1", "cloudresourcemanager.v3"),
    "cloudscheduler.googleapis.com": ("cloudscheduler.v1",),
    "container.googleapis.com": ("container.v1",),
    "iam.googleapis.com": ("iam.v1",),
    "logging.googleapis.com": ("logging.v2",),
    "monitoring.googleapis.com": ("monitoring.v1", "monitoring.v3"),
    "pubsub.googleapis.com": ("pubsub.v1",),
    "run.googleapis.com": ("run.v2",),
    "serviceusage.googleapis.com": ("serviceusage.v1", "serviceusage.v1beta1"),
    "storage.googleapis.com": ("storage.v1",),
}
"""The hosts that are answered for, and the documents that describe them."""

_INTEGERS = re.compile(r"-?\d+")


class RefusedError(Exception):
    """A request is refused: an HTTP status, Google's names for it, and what is wrong."""

    def __init__(self, code: int, status: str, message: str, reason: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.reason = reason

    @classmethod
    def argument(cls, message: str) -> RefusedError:
        """Return the refusal of a request that is wrong in itself."""
        return cls(400, "INVALID_ARGUMENT", message)


@dataclass(frozen=True, slots=True)
class Method:
    """A method of an API. ``name`` is Google's id for it, ``pubsub.projects.topics.create``."""

    name: str
    verb: str
    pattern: re.Pattern[str]
    prefix: str
    query: Mapping[str, Mapping[str, Any]]
    request: str
    response: str
    document: Document

    @property
    def action(self) -> str:
        """The last part of the name: ``create``."""
        return self.name.rpartition(".")[2]

    @property
    def collection(self) -> str:
        """The part before it: ``topics``."""
        return self.name.split(".")[-2]

    def schema(self, name: str) -> Mapping[str, Any]:
        """Return a schema of the API by its name."""
        schema: Mapping[str, Any] = self.document.schemas[name]
        return schema

    def check_query(self, parameters: Mapping[str, str]) -> None:
        """Refuse parameters that the method does not have.

        Raises:
            RefusedError: naming the parameter.
        """
        of_body = self.document.fields({"$ref": self.request}) if self.request else {}
        known = {*self.query, *self.document.parameters, *of_body}
        for name in parameters:
            if not {name, camel(name)} & known:
                raise RefusedError.argument(
                    f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query'
                    " parameter."
                )

    def check_body(self, body: Any) -> None:
        """Refuse fields that the method's message does not have, and values of another type.

        Raises:
            RefusedError: naming the field.
        """
        if not self.request:
            if body:
                raise RefusedError.argument(f"{self.name} takes no body, and got {sorted(body)}")
            return
        if body is not None:
            self.document.check(body, {"$ref": self.request}, "")


@dataclass(frozen=True, slots=True)
class Document:
    """One version of one API."""

    schemas: Mapping[str, Any]
    parameters: Mapping[str, Any]

    def check(self, value: Any, schema: Mapping[str, Any], at: str) -> None:
        """Refuse a value that does not fit a schema.

        Raises:
            RefusedError: naming the field.
        """
        if "$ref" in schema:
            schema = self.schemas[schema["$ref"]]
        kind = schema.get("type", "any")
        if value is None or kind == "any":
            return
        if kind == "array":
            if not isinstance(value, list):
                raise _mistyped(at, "a list", value)
            for index, item in enumerate(value):
                self.check(item, schema["items"], f"{at}[{index}]")
        elif kind == "object":
            self._check_object(value, schema, at)
        elif not _is_of(value, kind, schema.get("format", "")):
            raise _mistyped(at, kind, value)
        elif "enum" in schema and value not in schema["enum"]:
            raise RefusedError.argument(f"Invalid value at '{at}' ({kind}), \"{value}\"")

    def _check_object(self, value: Any, schema: Mapping[str, Any], at: str) -> None:
        if not isinstance(value, dict):
            raise _mistyped(at, "a message", value)
        known = schema.get("properties", {})
        for name, member in value.items():
            inner = known.get(name) or known.get(camel(name)) or schema.get("additionalProperties")
            if inner is None:
                where = f" at '{at}'" if at else ""
                raise RefusedError.argument(
                    f'Invalid JSON payload received. Unknown name "{name}"{where}:'
                    " Cannot find field."
                )
            self.check(member, inner, f"{at}.{name}" if at else name)

    def fields(self, schema: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the fields of a message."""
        if "$ref" in schema:
            schema = self.schemas[schema["$ref"]]
        fields: Mapping[str, Any] = schema.get("properties", {})
        return fields

    def check_mask(self, path: str, message: str) -> list[str]:
        """Return the parts of a path of a field mask, in camel case.

        Raises:
            RefusedError: the message has no such field.
        """
        schema: Mapping[str, Any] = {"$ref": message}
        parts = [camel(part) for part in path.split(".")]
        for part in parts:
            known = self.fields(schema)
            if not known and "additionalProperties" in self.schemas.get(
                schema.get("$ref", ""), schema
            ):
                return parts
            if part not in known:
                raise RefusedError.argument(f"Invalid field mask: {path} is no field of {message}")
            schema = known[part]
        return parts


@cache
def methods(host: str) -> tuple[Method, ...]:
    """Return all methods of a host, those with the most exact paths first."""
    of_host = [method for name in HOSTS[host] for method in _methods_of(name)]
    return tuple(sorted(of_host, key=lambda method: len(method.pattern.pattern), reverse=True))


def find_method(host: str, verb: str, path: str) -> tuple[Method, Mapping[str, str]]:
    """Return the method that a request calls, and the parameters in its path.

    Raises:
        RefusedError: there is none.
    """
    if host in HOSTS:
        for method in methods(host):
            match = method.pattern.fullmatch(path)
            if match and method.verb == verb:
                values = {name: unquote(value) for name, value in match.groupdict().items()}
                return method, values
    raise RefusedError(404, "NOT_FOUND", f"{verb} https://{host}/{path} is no method of Google's")


def _methods_of(name: str) -> Iterator[Method]:
    import googleapiclient

    folder = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    description = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    document = Document(description["schemas"], description.get("parameters", {}))
    for method in _walk(description):
        parameters = method.get("parameters", {})
        yield Method(
            name=method["id"],
            verb=method["httpMethod"],
            pattern=re.compile(_pattern(description["servicePath"] + method["path"], parameters)),
            prefix=description["servicePath"] or method["path"].partition("/")[0] + "/",
            query={key: it for key, it in parameters.items() if it["location"] == "query"},
            request=method.get("request", {}).get("$ref", ""),
            response=method.get("response", {}).get("$ref", ""),
            document=document,
        )


def _walk(resource: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from resource.get("methods", {}).values()
    for child in resource.get("resources", {}).values():
        yield from _walk(child)


def _pattern(template: str, parameters: Mapping[str, Any]) -> str:
    parts = re.split(r"\{(\+?\w+)\}", template)
    pattern = re.escape(parts[0])
    for slot, literal in zip(parts[1::2], parts[2::2], strict=True):
        name = slot.lstrip("+")
        inner = parameters[name].get("pattern", "").strip("^$") or "[^/]+"
        pattern += f"(?P<{name}>{inner.replace('[^/]', '[^/:]') if ':' not in literal else inner})"
        pattern += re.escape(literal)
    return pattern


def _is_of(value: Any, kind: str, form: str) -> bool:
    if kind == "string" and form in {"int64", "uint64"}:
        is_number = isinstance(value, int) and not isinstance(value, bool)
        return is_number or (isinstance(value, str) and bool(_INTEGERS.fullmatch(value)))
    if kind in {"integer", "number"}:
        return isinstance(value, int | float) and not isinstance(value, bool)
    return isinstance(value, {"string": str, "boolean": bool}[kind])


def _mistyped(at: str, expected: str, value: Any) -> RefusedError:
    return RefusedError.argument(f"Invalid value at '{at}' ({expected}), {json.dumps(value)}")


def camel(name: str) -> str:
    """Return a name in camel case; Google takes either."""
    head, *tail = name.split("_")
    return head + "".join(part[:1].upper() + part[1:] for part in tail)
