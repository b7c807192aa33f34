"""The parameters of a tuning job besides its examples."""

from __future__ import annotations

from dataclasses import dataclass

from sightline.errors import ConfigurationError
from sightline.gcp.tuning.job import ADAPTER_SIZES


@dataclass(frozen=True, slots=True)
class TuningParameters:
    """The base model, and the parameters that Google chooses if they are ``None``."""

    base_model: str
    epochs: int | None = None
    adapter_size: int | None = None
    learning_rate_multiplier: float | None = None


def check_adapter_size(size: int | None) -> None:
    """Check that Google accepts an adapter size.

    Raises:
        ConfigurationError: it does not.
    """
    if size is not None and size not in ADAPTER_SIZES:
        raise ConfigurationError(
            f"--adapter-size {size} is not accepted; accepted: {', '.join(map(str, ADAPTER_SIZES))}"
        )


def check_base_model(model: str) -> None:
    """Check that a model can be tuned.

    Raises:
        ConfigurationError: it is not one of Google's.
    """
    if not model.startswith("gemini-"):
        raise ConfigurationError(
            f"{model!r} cannot be tuned; give --model, one of Google's such as"
            " gemini-3.5-flash-lite"
        )
