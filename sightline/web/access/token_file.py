"""A file of tokens: a role and a token on each line, readable by its owner alone."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path

from sightline.errors import ConfigurationError
from sightline.suggestions import did_you_mean
from sightline.web.access.roles import ROLES
from sightline.web.access.sessions import Grant

SHORTEST_TOKEN = 20
_EXAMPLE = "`openssl rand -hex 24` makes a token"


class TokenFile:
    """The grants of a token file, read again when it changes."""

    def __init__(self, path: Path) -> None:
        """Read the file.

        Raises:
            ConfigurationError: it cannot be read, others can read it, or a line is malformed.
        """
        self._path = path
        self._state: tuple[int, int] | None = None
        self._grants: Sequence[Grant] = ()
        self.grants()

    def grants(self) -> Sequence[Grant]:
        """Return the current grants.

        Raises:
            ConfigurationError: as when it is opened.
        """
        try:
            status = self._path.stat()
            state = (status.st_mtime_ns, status.st_size)
            if state != self._state:
                _check_private(self._path, status.st_mode)
                self._grants = _parsed(self._path, self._path.read_text("utf-8"))
                self._state = state
        except OSError as error:
            raise ConfigurationError(
                f"--token-file {self._path}: {error.strerror}; write a file with lines such as"
                " `viewer TOKEN`"
            ) from error
        return self._grants


def _check_private(path: Path, mode: int) -> None:
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigurationError(
            f"--token-file {path}: other users may read it (mode {stat.S_IMODE(mode):o}); run"
            f" `chmod 600 {path}`"
        )


def _parsed(path: Path, text: str) -> Sequence[Grant]:
    grants = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        role, _, token = line.strip().partition(" ")
        if role not in ROLES:
            raise ConfigurationError(
                f"--token-file {path}, line {number}: it does not begin with a role"
                f"{did_you_mean(role, ROLES)}; give one of {', '.join(ROLES)}, then a space and a"
                " token"
            )
        token = token.strip()
        if len(token) < SHORTEST_TOKEN or not token.isascii() or not token.isprintable():
            raise ConfigurationError(
                f"--token-file {path}, line {number}: the token is shorter than {SHORTEST_TOKEN}"
                f" characters, or has other than printable ASCII characters; {_EXAMPLE}"
            )
        grants.append(Grant(ROLES[role], token))
    if not grants:
        raise ConfigurationError(
            f"--token-file {path} has no token; add a line such as `viewer TOKEN`; {_EXAMPLE}"
        )
    return tuple(grants)
