"""Names all resources: `sightline-<stack>-<what>`, within Google's limits for any stack name.

Limits: a service account's id 30 characters, a GKE cluster's name 40, a Cloud Run worker pool's 49,
a bucket's and a repository's 63; datasets take letters, digits and underscores.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

PREFIX = "sightline"
SLUG_CHARACTERS = 11
"""What a service account's 30 characters leave beside the prefix and its longest suffix."""
_HASH_CHARACTERS = 6


def slug(stack_name: str) -> str:
    """Return the slug of a stack's name; different names have different slugs.

    A name of lower case letters, digits and hyphens that is short enough is its own slug; any other
    is truncated, with part of its SHA-256 appended. Bucket names must not contain Google's own
    name.
    """
    plain = re.sub(r"[^a-z0-9]+", "-", stack_name.lower()).strip("-")
    own = plain == stack_name and len(plain) <= SLUG_CHARACTERS
    if own and not _is_hashed(plain) and not _is_googles(plain):
        return plain
    digest = hashlib.sha256(stack_name.encode()).hexdigest()[:_HASH_CHARACTERS]
    head = "" if _is_googles(plain) else plain[: SLUG_CHARACTERS - _HASH_CHARACTERS - 1].strip("-")
    return f"{head or 's'}-{digest}"


def _is_hashed(text: str) -> bool:
    """Return whether a name looks like a truncated one, and could be mistaken for another's."""
    return re.fullmatch(rf".*-[0-9a-f]{{{_HASH_CHARACTERS}}}", text) is not None


def _is_googles(text: str) -> bool:
    return "goog" in text or "g00g" in text


@dataclass(frozen=True, slots=True)
class Names:
    """The names of all resources of one stack in one project."""

    project: str
    stack_name: str

    def of(self, what: str = "") -> str:
        """Return the name of a resource: lower case letters, digits and hyphens."""
        return "-".join(filter(None, (PREFIX, slug(self.stack_name), what)))

    def dataset(self, what: str = "") -> str:
        """Return the name of a dataset."""
        return self.of(what).replace("-", "_")

    def bucket(self, what: str) -> str:
        """Return the name of a bucket, unique over all projects."""
        return f"{self.project}-{self.of(what)}"

    def email(self, what: str) -> str:
        """Return the address of a service account of this stack."""
        return f"{self.of(what)}@{self.project}.iam.gserviceaccount.com"
