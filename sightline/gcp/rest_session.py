"""Calls Google's REST APIs with google-auth credentials; no exception contains a token."""

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
    """Google refuses the credentials: they have expired, or were revoked."""


@dataclass(frozen=True, slots=True)
class RestResponse:
    """A response: its status, and its JSON object, which is empty if the body is not one."""

    code: int
    content: Mapping[str, Any]

    @property
    def message(self) -> str:
        """The message of an error, on one line and without secrets; its status if it has none."""
        return one_line(str(self._error.get("message", ""))).rstrip(". ") or f"HTTP {self.code}"

    @property
    def reason(self) -> str:
        """The reason in an error's ``google.rpc.ErrorInfo``, such as ``SERVICE_DISABLED``."""
        details = self._error.get("details")
        for detail in details if isinstance(details, list) else ():
            if isinstance(detail, Mapping) and detail.get("@type") == _ERROR_INFO:
                return str(detail.get("reason", ""))
        return ""

    @property
    def is_api_disabled(self) -> bool:
        """Whether the project has not enabled the API."""
        return self.reason == "SERVICE_DISABLED" or any(text in self.message for text in _DISABLED)

    @property
    def _error(self) -> Mapping[str, Any]:
        error = self.content.get("error")
        return error if isinstance(error, Mapping) else {}


class RestSession:
    """One session, created by ``open``; ``timeout_s`` limits each call."""

    def __init__(self, session: Any, timeout_s: float) -> None:
        self._session = session
        self._timeout_s = timeout_s

    @classmethod
    @contextmanager
    def open(cls, credentials: Any, timeout_s: float) -> Iterator[Self]:
        """Open a session with google-auth credentials, without sending a request."""
        from google.auth.transport.requests import AuthorizedSession

        from sightline.gcp.bounded_requests import bound_responses

        session: Any = AuthorizedSession(credentials)  # type: ignore[no-untyped-call]  # untyped
        bound_responses(session)
        try:
            yield cls(session, timeout_s)
        finally:
            session.close()

    def request(
        self,
        method: str,
        url: str,
        *,
        service: str,
        what: str,
        query: Mapping[str, str | Sequence[str]] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> RestResponse:
        """Call a service about ``what``; refusals are returned, not raised.

        Raises:
            TransientError: the service cannot be reached.
            RefusedCredentialsError: no token can be obtained.
        """
        from google.auth.exceptions import GoogleAuthError, TransportError
        from requests.exceptions import RequestException

        # Errors are not chained, since a failed request contains headers, and so the token.
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
        return RestResponse(response.status_code, content if isinstance(content, Mapping) else {})
