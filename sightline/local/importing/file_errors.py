"""Errors while a file is read, in one sentence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from sightline.errors import ConfigurationError, NotFoundError


@contextmanager
def file_errors(path: Path) -> Iterator[None]:
    """Turn read errors into Sightline's.

    Raises:
        NotFoundError: there is no such file.
        ConfigurationError: it cannot be read.
    """
    try:
        yield
    except FileNotFoundError as error:
        raise NotFoundError(f"{path} does not exist; give a CSV or Parquet file") from error
    except pa.ArrowException as error:
        text = " ".join(str(error).split())[:300]
        raise ConfigurationError(
            f"{path} is damaged or cut off; export it again ({text})"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        text = " ".join(str(error).split())[:300]
        raise ConfigurationError(f"{path} cannot be read: {text}; fix it and try again") from error
