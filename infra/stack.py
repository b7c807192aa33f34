"""The stack's configuration, read once and checked whole before anything is made.

Standard library only, so that it is read without Pulumi.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, Literal, get_args, get_origin

from infra.choices import NAMESPACE, Choices, key_kind, key_name, refusal
from infra.names import Names
from infra.stack_checks import BOUNDS, find_misfits, labels_of, location_of


@dataclass(frozen=True, slots=True)
class Stack:
    """What is chosen, under which names, and what follows from it."""

    choices: Choices
    names: Names
    location: str
    labels: Mapping[str, str]

    @property
    def project(self) -> str:
        """The project's id."""
        return self.choices.project

    @property
    def region(self) -> str:
        """The region."""
        return self.choices.region

    @property
    def dataset(self) -> str:
        """The dataset of the ledgers."""
        return self.choices.dataset or self.names.dataset()

    @property
    def models_dataset(self) -> str:
        """The dataset of remote models."""
        return self.choices.models_dataset or self.names.dataset("models")

    @property
    def listing_dataset(self) -> str:
        """The dataset that the listing is linked as."""
        return self.choices.listing_dataset or self.names.dataset("listing")

    @property
    def makes_bucket(self) -> bool:
        """Whether the bucket of images is made here."""
        return not self.choices.image_bucket

    @property
    def bucket(self) -> str:
        """The bucket of images."""
        return self.choices.image_bucket or self.names.bucket("images")

    @property
    def batch_bucket(self) -> str:
        """The bucket of batch jobs."""
        return self.names.bucket("batch")

    @property
    def grants_on_bucket(self) -> bool:
        """Whether reading the bucket is granted here, and not by its owner."""
        return self.makes_bucket or self.choices.grant_on_bucket

    @property
    def source(self) -> str:
        """The table of the observations; empty when none is known."""
        if self.choices.source:
            return self.choices.source
        if self.choices.listing:
            return f"{self.project}.{self.listing_dataset}.{self.choices.source_layout}"
        if self.choices.notify_new_images:
            return f"{self.project}.{self.dataset}.arrivals_observations"
        return ""

    @property
    def protects(self) -> bool:
        """Whether what holds data is protected."""
        return self.choices.deletion_protection

    @property
    def runs_on_cloud_run(self) -> bool:
        """Whether workers run on Cloud Run, which grants 10 s after SIGTERM."""
        return self.choices.fleet in {"worker-pool", "job"}


class WrongConfigurationError(Exception):
    """The configuration is wrong: ``wrong`` holds one sentence for each mistake."""

    def __init__(self, wrong: tuple[str, ...]) -> None:
        super().__init__("\n".join(wrong))
        self.wrong = wrong


def read_stack(values: Mapping[str, str], stack_name: str) -> Stack:
    """Return the stack that these values configure; keys are without their namespace.

    Raises:
        WrongConfigurationError: with all that is wrong, one sentence each.
    """
    wrong = list(_unknown(values))
    chosen: dict[str, Any] = {}
    for one in fields(Choices):
        given = values.get(key_name(one))
        if given is None:
            if one.default is MISSING:
                wrong.append(_missing(one))
            continue
        try:
            chosen[one.name] = _read(one, given)
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise WrongConfigurationError(tuple(wrong))
    choices = Choices(**chosen)
    names = Names(choices.project, stack_name)
    stack = Stack(choices, names, location_of(choices), labels_of(choices.labels, names))
    wrong = list(find_misfits(stack))
    if wrong:
        raise WrongConfigurationError(tuple(wrong))
    return stack


def _unknown(values: Mapping[str, str]) -> Iterator[str]:
    known = [key_name(one) for one in fields(Choices)]
    for name in values:
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            meant = (
                f"did you mean {close[0]}?" if close else "docs/infrastructure.md lists the keys"
            )
            yield f"{NAMESPACE}:{name} is no key; {meant}"


def _missing(one: Field[Any]) -> str:
    name = key_name(one)
    return (
        f"{NAMESPACE}:{name} is not set: {one.metadata['meaning']}; run `pulumi config set {name}"
        f" {name.upper()}`"
    )


def _read(one: Field[Any], given: str) -> Any:
    kind, text = key_kind(one), given.strip()
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise ValueError(refusal(one.name, given, ", ".join(get_args(kind))))
        return text
    if kind is bool:
        if text not in {"true", "false"}:
            raise ValueError(refusal(one.name, given, "true or false"))
        return text == "true"
    if kind is int:
        if not re.fullmatch(r"-?[0-9]{1,9}", text):
            raise ValueError(refusal(one.name, given, "a whole number"))
        least, most = BOUNDS[one.name]
        if not least <= int(text) <= most:
            raise ValueError(refusal(one.name, int(text), f"{least} to {most}"))
        return int(text)
    pattern = one.metadata["pattern"]
    if pattern and not re.fullmatch(pattern, text, re.ASCII):
        raise ValueError(refusal(one.name, given, one.metadata["accepted"]))
    return text
