"""The roles of people: what each may do includes what the lesser ones may."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from enum import IntEnum


class PageRole(IntEnum):
    """Viewers look; reviewers also save views and export; owners also change the project."""

    VIEWER = 1
    REVIEWER = 2
    OWNER = 3

    @property
    def title(self) -> str:
        """The role's name in token files, settings and messages."""
        return self.name.lower()


ROLES = {role.title: role for role in PageRole}


@dataclass(frozen=True, slots=True)
class Visitor:
    """The sender of a request.

    ``name`` distinguishes visitors for limits, and is the address of a person if it is known.
    ``csrf`` must be repeated in the header of a write, except by ``is_script``, whose credentials
    no browser sends by itself.
    """

    role: PageRole
    name: str
    csrf: str
    is_script: bool = False

    def has_csrf(self, given: str) -> bool:
        """Return whether it is this visitor's token; compares in constant time."""
        return hmac.compare_digest(self.csrf.encode(), given.encode())
