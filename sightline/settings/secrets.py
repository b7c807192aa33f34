"""Registers the secrets in settings, so that they are never shown."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sightline.redaction import SECRETS, register_endpoints, register_headers
from sightline.settings.sections import Settings

_PROXY = re.compile(r"(?i)\w+_proxy")
_HEADERS = re.compile(r"OTEL_EXPORTER_OTLP_(\w+_)?HEADERS")
_VARIABLE = re.compile(r"[A-Za-z_]\w*")


def register_secrets_in(values: Mapping[str, object]) -> None:
    """Register the passwords and keys in endpoints, from a file or the environment."""
    register_endpoints(values)


def register_secrets(settings: Settings, environment: Mapping[str, str]) -> None:
    """Register the keys in the variables that the settings name, and proxies' passwords."""
    for name in (settings.gemini.api_key_env, settings.openai.api_key_env):
        SECRETS.register(environment.get(name))
        if not _VARIABLE.fullmatch(name):
            SECRETS.register(name)  # the key itself, given in place of the variable's name
    for name, value in environment.items():
        if _HEADERS.fullmatch(name):
            register_headers(value)
        elif _PROXY.fullmatch(name):
            register_endpoints({"endpoint": value})
