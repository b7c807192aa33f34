"""IAM policies: who may do what on one resource, changed by read, modify, write with an etag."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from scripts.control_plane.discovery import RefusedError

_KINDS = (
    "user|serviceAccount|group|domain|principal|principalSet|deleted|project(?:Owner|Editor|Viewer)"
)
_MEMBER = re.compile(rf"(?:allUsers|allAuthenticatedUsers|(?:{_KINDS}):\S+)")
_ROLE = re.compile(r"(?:projects/[^/]+/|organizations/[^/]+/)?roles/[A-Za-z0-9_.]+")
NOBODY: Mapping[str, Any] = {"version": 1, "bindings": []}


class Policies:
    """The policies of all resources. ``account_exists`` says whether Google knows an account."""

    def __init__(self, account_exists: Callable[[str], bool]) -> None:
        self._policies: dict[str, Mapping[str, Any]] = {}
        self._account_exists = account_exists

    def get(self, name: str) -> Mapping[str, Any]:
        """Return a resource's policy; one that nobody set is empty."""
        policy = self._policies.get(name, NOBODY)
        return {**policy, "etag": _etag(policy)}

    def set(self, name: str, policy: Mapping[str, Any]) -> Mapping[str, Any]:
        """Replace a resource's policy.

        Raises:
            RefusedError: it was changed since it was read, or names what does not exist.
        """
        etag = policy.get("etag")
        if etag and etag != self.get(name)["etag"]:
            raise RefusedError(
                409,
                "ABORTED",
                "There were concurrent policy changes. Please retry the whole read-modify-write"
                " with exponential backoff.",
            )
        for binding in policy.get("bindings", []):
            self._check(binding)
        kept = {key: value for key, value in policy.items() if key not in {"etag", "kind"}}
        bindings = [binding for binding in kept.get("bindings", []) if binding.get("members")]
        self._policies[name] = {"version": 1, **kept, "bindings": bindings}
        return self.get(name)

    def forget(self, name: str) -> None:
        """Let a resource that is gone have no policy."""
        for policy in [
            policy for policy in self._policies if policy == name or policy.startswith(f"{name}/")
        ]:
            del self._policies[policy]

    def all(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the policies that grant anything, by resource."""
        return {name: policy for name, policy in self._policies.items() if policy["bindings"]}

    def _check(self, binding: Mapping[str, Any]) -> None:
        if not _ROLE.fullmatch(binding.get("role", "")):
            raise RefusedError.argument(f"Role {binding.get('role')} is not supported.")
        for member in binding.get("members", []):
            if not _MEMBER.fullmatch(member):
                raise RefusedError.argument(f"Invalid member: {member}")
            kind, _, account = member.partition(":")
            if kind == "serviceAccount" and not self._account_exists(account):
                raise RefusedError.argument(f"Service account {account} does not exist.")


def _etag(policy: Mapping[str, Any]) -> str:
    text = json.dumps(policy, sort_keys=True)
    return "Bw" + hashlib.sha256(text.encode()).hexdigest()[:10]
