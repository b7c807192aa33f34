"""Reads a stack's configuration, and checks all of it before anything is created.

Without Pulumi, with the reader of the settings.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from infra.names import Names
from infra.stack import Stack
from infra.stack_checks import find_misfits
from infra.stack_config import KEYS, NAMESPACE, StackConfig, key_name, refused
from sightline.settings.reading import Refusal, RefusedError, SourceValue, read


class WrongConfigurationError(Exception):
    """The configuration is invalid: ``wrong`` has one sentence per mistake."""

    def __init__(self, wrong: tuple[str, ...]) -> None:
        super().__init__("\n".join(wrong))
        self.wrong = wrong


def read_stack(values: Mapping[str, str], stack_name: str) -> Stack:
    """Return the stack that these values configure; keys are without their namespace.

    Raises:
        WrongConfigurationError: with every mistake, one sentence each.
    """
    wrong = list(_unknown(values))
    sources = {
        field: SourceValue(values[key_name(field)].strip(), is_text=True)
        for field in KEYS
        if key_name(field) in values
    }
    try:
        config = read(StackConfig, sources)
    except RefusedError as error:
        wrong += map(_sentence, error.refusals)
        raise WrongConfigurationError(tuple(wrong)) from None
    if wrong:
        raise WrongConfigurationError(tuple(wrong))
    stack = Stack(config, Names(config.project, stack_name))
    wrong = list(find_misfits(stack))
    if wrong:
        raise WrongConfigurationError(tuple(wrong))
    return stack


def _unknown(values: Mapping[str, str]) -> Iterator[str]:
    known = [key_name(field) for field in KEYS]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            meant = (
                f"did you mean {close[0]}?" if close else "docs/infrastructure.md lists the keys"
            )
            yield f"{NAMESPACE}:{name} is not a key; {meant}"


def _sentence(refusal: Refusal) -> str:
    if not refusal.is_missing:
        return refused(refusal.field, refusal.shown, refusal.accepted)
    name = key_name(refusal.field)
    return (
        f"{NAMESPACE}:{name} is not set: {KEYS[refusal.field].description}; run `pulumi config set"
        f" {name} {name.upper()}`"
    )
