"""Asks Google's REST APIs with google-auth's credentials; nothing that is raised holds a token."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Self

from sightline.errors import ConfigurationError, TransientError
from sightline.gcp.credentials import LOG_IN
from sightline.http_client.redaction import one_line

QUOTA_PROJECT_HEADER = "x-goog-user-project"
_ERROR_INFO = "type.googleapis.com/google.rpc.ErrorInfo"
_DISABLED = ("has not been used in project", "API is disabled")


class RefusedCredentialsError(ConfigurationError):
    """Google takes the credentials for none: they have expired, or were revoked."""


@dataclass(frozen=True, slots=True)
class RestAnswer:
    """An answer: its status, and its JSON object, which is empty where it is another thing."""

    code: int
    content: Mapping[str, Any]

    @property
    def message(self) -> str:
        """What an error says, on one line and without secrets; its status where it says nothing."""
        return one_line(str(self._error.get("message", ""))).rstrip(". ") or f"HTTP {self.code}"

    @property
    def reason(self) -> str:
        """The reason of an error's ``google.rpc.ErrorInfo``, ``SERVICE_DISABLED`` say."""
        details = self._error.get("details")
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, Mapping) and detail.get("@type") == _ERROR_INFO:
                return str(detail.get("reason", ""))
        return ""

    @property
    def is_api_disabled(self) -> bool:
        """Whether the project has not enabled the API that was asked."""
        return self.reason == "SERVICE_DISABLED" or any(text in self.message for text in _DISABLED)

    @property
    def _error(self) -> Mapping[str, Any]:
        error = self.content.get("error")
        return error if isinstance(error, Mapping) else {}


class RestSession:
    """One session, made by ``open``; ``timeout_s`` bounds each call."""

    def __init__(self, session: Any, timeout_s: float) -> None:
        self._session = session
        self._timeout_s = timeout_s

    @classmethod
    @contextmanager
    def open(cls, credentials: Any, timeout_s: float) -> Iterator[Self]:
        """Open a session with google-auth's credentials; nothing is asked yet."""
        from google.auth.transport.requests import AuthorizedSession

        from sightline.gcp.bounded_requests import bound_responses

        session: Any = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]  # untyped
        bound_responses(session)
        try:
            yield cls(session, timeout_s)
        finally:
            session.close()

    def ask(
        self,
        method: str,
        url: str,
        *,
        service: str,
        what: str,
        query: Mapping[str, str | Sequence[str]] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RestAnswer:
        """Make a call of a service, about ``what``; a refusal is an answer like another.

        Raises:
            TransientError: the service is out of reach.
            RefusedCredentialsError: there is no token to be had.
        """
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests.exceptions import RequestException

        # Nothing is chained to a failed request: it carries headers, and with them the token.
        try:
            response = self._session.request(
                method,
                url,
                params=query,
                json=body,
                headers=headers,
                timeout=self._timeout_s,
                allow_redirects=False,
            )
        except (TransportError, RequestException, ConnectionError, TimeoutError) as error:
            kind = type(error).__name__
            raise TransientError(
                f"{what}: {service} is out of reach ({kind}); try again in a moment"
            ) from None
        except GoogleAuthError as error:
            kind = type(error).__name__
            raise RefusedCredentialsError(
                f"{what}: the credentials are refused ({kind}); {LOG_IN}"
            ) from None
        try:
            content = response.json()
        except ValueError:
            content = {}
        return RestAnswer(response.status_code, content if isinstance(content, Mapping) else {})
