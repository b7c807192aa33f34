"""A task as stored in the ledger ``task_versions``: its file, model and fingerprint."""

from __future__ import annotations

from sightline.errors import StorageError
from sightline.tasks.parse import parse_task
from sightline.tasks.spec import TaskSpec


def stored_task(toml: str, model: str, fingerprint: str) -> TaskSpec:
    """Return the task of a row of ``task_versions``.

    Raises:
        StorageError: the text no longer has the stored fingerprint.
    """
    task = parse_task(toml, "task_versions").resolve(model)
    if task.fingerprint != fingerprint:
        raise StorageError(
            f"task {task.name} at {fingerprint[:12]} reads as {task.fingerprint[:12]} now; "
            "use the version of sightline that wrote it"
        )
    return task
