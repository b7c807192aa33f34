"""Writes what follows from the infrastructure's code: Pulumi.yaml, tables, a picture.

In docs/infrastructure.md a generated part stands between two comments:

    <!-- generated: keys --> ... <!-- end -->

    .venv/bin/python -m scripts.infra_pages

A test holds all of it to the code.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from infra.guardrails import ONLY_ON_PROJECTS, RAILS
from infra.program import GRANTS
from infra.recording import PROD, Environment, Recorded, run
from infra.stack_config import KEYS, key_name
from sightline.settings.fields import accepted_by

CHECKOUT = Path(__file__).resolve().parents[1]
PAGE = CHECKOUT / "docs" / "infrastructure.md"
PULUMI_YAML = CHECKOUT / "Pulumi.yaml"
_PART = re.compile(r"(<!-- generated: (?P<name>\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
_TYPES: Mapping[Any, str] = {bool: "boolean", int: "integer"}

_HEAD = """\
# Made by `python -m scripts.infra_pages` from infra/stack_config.py.
name: sightline
description: Street-level imagery, classified and searchable, on Google Cloud
main: infra/
runtime:
  name: python
  options:
    toolchain: uv
    virtualenv: .venv
config:
"""


def pulumi_yaml() -> str:
    """Return Pulumi.yaml: the project, and every key with its meaning and its default."""
    return _HEAD + "".join(_declared(field, info) for field, info in KEYS.items())


def _declared(field: str, info: FieldInfo) -> str:
    lines = [
        f"  {key_name(field)}:",
        f"    type: {_TYPES.get(info.annotation, 'string')}",
        f"    description: {json.dumps(_meaning(info), ensure_ascii=False)}",
    ]
    if not info.is_required():
        lines.append(f"    default: {json.dumps(info.default)}")
    return "\n".join(lines) + "\n"


def _meaning(info: FieldInfo) -> str:
    kind, description = info.annotation, str(info.description)
    return (
        f"{description}: {', '.join(get_args(kind))}"
        if get_origin(kind) is Literal
        else description
    )


def keys() -> str:
    """Return the reference of the configuration, one table a group."""
    groups: dict[str, list[str]] = {}
    for field, info in KEYS.items():
        default = "required" if info.is_required() else _default(info.default)
        cells = (f"`{key_name(field)}`", default, accepted_by(info), str(info.description))
        groups.setdefault(_group(info), []).append(f"| {' | '.join(map(_cell, cells))} |")
    return "\n".join(
        f"### {group}\n\n| key | default | accepted | meaning |\n|---|---|---|---|\n"
        + "\n".join(rows)
        + "\n"
        for group, rows in groups.items()
    )


def _group(info: FieldInfo) -> str:
    extra: Any = info.json_schema_extra
    return str(extra["group"])


def _default(value: object) -> str:
    return "empty" if value == "" else f"`{json.dumps(value)}`".replace('"', "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def roles() -> str:
    """Return the table of every role that is granted."""
    rows = [
        f"| {grant.who} | `{grant.role}` | {grant.on} | {_cell(grant.why)} | {grant.when} |"
        for grant in sorted(GRANTS, key=lambda grant: (grant.who, grant.on, grant.role))
    ]
    head = "| who | role | on what | why | when |\n|---|---|---|---|---|\n"
    return head + "\n".join(rows) + "\n"


def rails() -> str:
    """Return the table of the guard rails."""
    head = "| id | of others | what | why |\n|---|---|---|---|\n"
    rows = [
        f"| {rail.id} | {', '.join(rail.also) or '-'} | {rail.what} | {_cell(rail.why)} |"
        for rail in RAILS
    ]
    spared = "\n".join(f"* `{role}`: {why}" for role, why in ONLY_ON_PROJECTS.items())
    return f"{head}{chr(10).join(rows)}\n\nRoles that only a project can grant:\n\n{spared}\n"


def picture() -> str:
    """Return the environment as a Mermaid flow chart, of what a run of the program registers."""
    environment = run(
        {**PROD, "listing": "provider/us/exchange/listing", "producerSchedule": "0 6 * * *"}
    )
    lines = ["```mermaid", "flowchart LR"]
    for entity in sorted(environment.of_entities(), key=lambda entity: ORDER.index(entity.name)):
        lines += [f"  subgraph {entity.name}"]
        lines += [f'    {node}["{label}"]' for node, label in _nodes(environment, entity)]
        lines += ["  end"]
    lines += sorted(set(_edges(environment)))
    return "\n".join([*lines, "```"]) + "\n"


ORDER = (
    "services", "accounts", "landing", "messaging", "reports", "warehouse", "batch", "fleet",
    "watch",
)  # fmt: skip
"""The entities, from where images come from to what is looked at."""
_HIDDEN = re.compile(r"IAM|Iam|projects/service|Provider")


def _nodes(environment: Environment, entity: Recorded) -> Iterator[tuple[str, str]]:
    parts = [
        resource
        for resource in environment.resources
        if resource.parent == entity.name and not _HIDDEN.search(resource.type)
    ]
    if entity.name == "services":
        apis = sum(resource.type.endswith(":Service") for resource in environment.resources)
        yield "apis", f"{apis} APIs"
    counts = Counter(map(_bundle, parts))
    for bundle, count in sorted(counts.items()):
        yield from [(bundle, f"{count} {bundle}")] if bundle else []
    for part in sorted(parts, key=lambda resource: resource.name):
        if not _bundle(part):
            yield _id(part.name), f"{part.name}<br/>{_words(part.type)}"


def _bundle(recorded: Recorded) -> str:
    """Return the node in which many alike are shown as one."""
    if recorded.type.endswith(":AlertPolicy"):
        return "alerts"
    if not recorded.type.endswith(":Table") or recorded.name == "images-table":
        return ""
    return "views" if recorded.inputs.get("view") else "tables"


def _edges(environment: Environment) -> Iterator[str]:
    """Yield who may do what on what, and which subscription is bound to which topic."""
    who = {grant.name: grant.who for grant in GRANTS}
    targets = {
        _target_key(resource): _id(resource.name)
        for resource in environment.resources
        if _target_key(resource)
    }
    for resource in environment.resources:
        where = next((targets[key] for key in _granted_on(resource) if key in targets), None)
        if where and resource.name in who:
            role = str(resource.inputs["role"]).removeprefix("roles/")
            yield f'  {_person(who[resource.name])} -- "{role}" --> {where}'
    for subscription in environment.of(":Subscription"):
        topic = str(subscription.inputs["topic"]).removesuffix("-id")
        yield f"  {_id(topic)} --> {_id(subscription.name)}"


def _person(who: str) -> str:
    """Return the node of whoever is granted something: one of ours, or one that Google makes."""
    if who in {"worker", "producer", "starter"}:
        return who
    return f'{re.sub("[^a-z]+", "_", who.lower())}(["{who}"])'


_NAMED_BY: Mapping[str, str] = {
    "Topic": "name",
    "Subscription": "name",
    "Bucket": "name",
    "Dataset": "dataset_id",
    "Connection": "connection_id",
    "Job": "name",
    "Repository": "repository_id",
}
_GRANTED_BY: Mapping[str, tuple[str, str]] = {
    "TopicIAMMember": ("Topic", "topic"),
    "SubscriptionIAMMember": ("Subscription", "subscription"),
    "BucketIAMMember": ("Bucket", "bucket"),
    "DatasetIamMember": ("Dataset", "dataset_id"),
    "ConnectionIamMember": ("Connection", "connection_id"),
    "JobIamMember": ("Job", "name"),
    "RepositoryIamMember": ("Repository", "repository"),
}


def _target_key(recorded: Recorded) -> tuple[str, str] | None:
    kind = recorded.type.rpartition(":")[2]
    is_of_schedule = "cloudscheduler" in recorded.type
    name = recorded.inputs.get(_NAMED_BY.get(kind, ""))
    return (kind, str(name)) if name and not is_of_schedule else None


def _granted_on(recorded: Recorded) -> Iterator[tuple[str, str]]:
    columns = _GRANTED_BY.get(recorded.type.rpartition(":")[2])
    if columns:
        yield columns[0], str(recorded.inputs.get(columns[1]))


def _id(name: str) -> str:
    return name.replace("-", "_")


def _words(kind: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", " ", kind.rpartition(":")[2]).lower()


PARTS: Mapping[str, Callable[[], str]] = {
    "keys": keys,
    "roles": roles,
    "rails": rails,
    "picture": picture,
}


def page(text: str) -> str:
    """Return the page with its generated parts made anew."""
    return _PART.sub(lambda match: f"{match[1]}\n{PARTS[match['name']]()}\n{match[3]}", text)


def main() -> None:
    """Write everything."""
    PULUMI_YAML.write_text(pulumi_yaml(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
