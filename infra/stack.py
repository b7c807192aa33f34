"""The stack's configuration, read once and checked whole before anything is made.

Without Pulumi, by the reader of the settings.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from infra.names import Names
from infra.stack_checks import find_misfits, labels_of, location_of
from infra.stack_config import KEYS, NAMESPACE, StackConfig, key_name, refused
from sightline.settings.reading import Refusal, RefusedError, SourceValue, read


@dataclass(frozen=True, slots=True)
class Stack:
    """What is chosen, under which names, and what follows from it."""

    config: StackConfig
    names: Names
    location: str
    labels: Mapping[str, str]

    @property
    def project(self) -> str:
        """The project's id."""
        return self.config.project

    @property
    def region(self) -> str:
        """The region."""
        return self.config.region

    @property
    def dataset(self) -> str:
        """The dataset of the ledgers."""
        return self.config.dataset or self.names.dataset()

    @property
    def models_dataset(self) -> str:
        """The dataset of remote models."""
        return self.config.models_dataset or self.names.dataset("models")

    @property
    def listing_dataset(self) -> str:
        """The dataset that the listing is linked as."""
        return self.config.listing_dataset or self.names.dataset("listing")

    @property
    def makes_bucket(self) -> bool:
        """Whether the bucket of images is made here."""
        return not self.config.image_bucket

    @property
    def bucket(self) -> str:
        """The bucket of images."""
        return self.config.image_bucket or self.names.bucket("images")

    @property
    def batch_bucket(self) -> str:
        """The bucket of batch jobs."""
        return self.names.bucket("batch")

    @property
    def grants_on_bucket(self) -> bool:
        """Whether reading the bucket is granted here, and not by its owner."""
        return self.makes_bucket or self.config.grant_on_bucket

    @property
    def source(self) -> str:
        """The table of the observations; empty when none is known."""
        if self.config.source:
            return self.config.source
        if self.config.listing:
            return f"{self.project}.{self.listing_dataset}.{self.config.source_layout}"
        if self.config.notify_new_images:
            return f"{self.project}.{self.dataset}.arrivals_observations"
        return ""

    @property
    def protects(self) -> bool:
        """Whether what holds data is protected."""
        return self.config.deletion_protection

    @property
    def runs_on_cloud_run(self) -> bool:
        """Whether workers run on Cloud Run, which grants 10 s after SIGTERM."""
        return self.config.fleet in {"worker-pool", "job"}


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
    given = {
        field: SourceValue(values[key_name(field)].strip(), is_text=True)
        for field in KEYS
        if key_name(field) in values
    }
    try:
        config = read(StackConfig, given)
    except RefusedError as error:
        wrong += map(_sentence, error.refusals)
        raise WrongConfigurationError(tuple(wrong)) from None
    if wrong:
        raise WrongConfigurationError(tuple(wrong))
    names = Names(config.project, stack_name)
    stack = Stack(config, names, location_of(config), labels_of(config.labels, names))
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
            yield f"{NAMESPACE}:{name} is no key; {meant}"


def _sentence(refusal: Refusal) -> str:
    if not refusal.is_missing:
        return refused(refusal.field, refusal.shown, refusal.accepted)
    name = key_name(refusal.field)
    return (
        f"{NAMESPACE}:{name} is not set: {KEYS[refusal.field].description}; run `pulumi config set"
        f" {name} {name.upper()}`"
    )
