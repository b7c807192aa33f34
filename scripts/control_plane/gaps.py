"""What the emulators of Pub/Sub, Cloud Storage and BigQuery lack, and the control plane answers.

Everything else of these three services goes to the emulators. docs/proof.md prints this list.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

EMULATED = ("bigquery.googleapis.com", "pubsub.googleapis.com", "storage.googleapis.com")


@dataclass(frozen=True, slots=True)
class Gap:
    """A method that an emulator lacks, or only some ``fields`` of it. ``method`` may hold ``*``.

    With ``fields`` the call goes to the emulator without them; the control plane keeps them, and
    adds them to what the emulator answers. With ``where`` the gap is there only for requests whose
    body has that field; with ``of_ours`` only for what the control plane keeps already. With
    ``respells`` the call goes to the emulator with columns' types in other words of Google's.
    """

    method: str
    why: str
    fields: tuple[str, ...] = ()
    where: str = ""
    of_ours: bool = False
    respells: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether the emulator is not asked at all."""
        return not self.fields and not self.respells


GAPS = (
    Gap("pubsub.projects.*.getIamPolicy", "Pub/Sub's emulator has no policies (501)"),
    Gap("pubsub.projects.*.setIamPolicy", "Pub/Sub's emulator has no policies (501)"),
    Gap(
        "pubsub.projects.topics.patch",
        "labels of a topic cannot be changed there (400)",
        fields=("labels",),
    ),
    Gap(
        "pubsub.projects.subscriptions.patch",
        "labels, expiration, and what is written to BigQuery cannot be changed there (400)",
        fields=("bigqueryConfig", "expirationPolicy", "labels"),
    ),
    Gap("pubsub.projects.schemas.*", "schemas of protocol buffers are not implemented there (501)"),
    Gap(
        "pubsub.projects.topics.create",
        "a topic may only name a schema that is there, and schemas are not",
        fields=("schemaSettings",),
    ),
    Gap(
        "pubsub.projects.subscriptions.create",
        "subscriptions that write to BigQuery are not implemented there",
        fields=("bigqueryConfig",),
    ),
    Gap("storage.buckets.getIamPolicy", "answered there with the bucket itself"),
    Gap("storage.buckets.setIamPolicy", "answered there with the bucket itself"),
    Gap("storage.notifications.*", "buckets have no notifications there (404)"),
    Gap("storage.projects.serviceAccount.get", "projects have no agent there (404)"),
    *(
        Gap(
            f"storage.buckets.{verb}",
            "taken there, and not kept",
            fields=(
                "encryption", "iamConfiguration", "labels", "lifecycle", "location",
                "softDeletePolicy",
            ),
        )
        for verb in ("insert", "patch", "update")
    ),
    Gap(
        "bigquery.datasets.insert",
        "datasets have no access lists there; one that is there is refused with 500",
        fields=("access",),
    ),
    *(
        Gap(
            f"bigquery.datasets.{verb}",
            "answered there, and nothing is changed",
            fields=("access", "description", "friendlyName", "labels"),
        )
        for verb in ("patch", "update")
    ),
    Gap("bigquery.tables.getIamPolicy", "tables have no policies there (500)"),
    Gap("bigquery.tables.setIamPolicy", "tables have no policies there (500)"),
    Gap(
        "bigquery.tables.insert",
        "object tables, and tables outside BigQuery altogether, are not implemented there",
        where="externalDataConfiguration",
    ),
    *(
        Gap(f"bigquery.tables.{verb}", "FLOAT is another type than FLOAT64 there", respells=True)
        for verb in ("insert", "patch", "update")
    ),
    Gap("bigquery.tables.*", "object tables, once they are made", of_ours=True),
    Gap(
        "bigquery.datasets.*",
        "the dataset that a listing is linked as; there is no listing",
        of_ours=True,
    ),
)  # fmt: skip


RESPELT = {"FLOAT": "FLOAT64"}
"""Types of columns: two words of Google's each, of which the emulator knows one well."""


def respelt(schema: Any) -> Any:
    """Return a table's schema with the types that the emulator knows well."""
    if isinstance(schema, list):
        return [respelt(column) for column in schema]
    if not isinstance(schema, Mapping):
        return schema
    changed = {name: respelt(value) for name, value in schema.items()}
    if changed.get("type") in RESPELT:
        changed["type"] = RESPELT[changed["type"]]
    return changed


def gaps_of(method: str, body: Mapping[str, Any], *, ours: bool = False) -> list[Gap]:
    """Return the gaps that a call falls into; ``ours`` says whose the resource is."""
    return [
        gap
        for gap in GAPS
        if fnmatchcase(method, gap.method)
        and (not gap.where or _has(body, gap.where))
        and (ours or not gap.of_ours)
    ]


def _has(body: Any, path: str) -> bool:
    for part in path.split("."):
        if not isinstance(body, Mapping) or part not in body:
            return False
        body = body[part]
    return True


def table() -> str:
    """Return the list as docs/proof.md prints it."""
    return "\n".join(["| method | what of it | why |", "|---|---|---|", *map(_row, GAPS)])


def _row(gap: Gap) -> str:
    what = ", ".join(f"`{field}`" for field in gap.fields) or "all"
    if gap.where:
        what = f"with `{gap.where}`"
    elif gap.of_ours:
        what = "what is kept already"
    elif gap.respells:
        what = "spelling alone"
    return f"| `{gap.method}` | {what} | {gap.why} |"


if __name__ == "__main__":
    print(table())
