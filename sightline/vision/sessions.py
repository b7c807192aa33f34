"""ONNX sessions that share a machine politely: few threads, none of them spinning."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from sightline.errors import ConfigurationError


class InferenceSession(Protocol):
    """The part of ``onnxruntime.InferenceSession`` that is used here."""

    def run(self, outputs: list[str] | None, feeds: Mapping[str, Any]) -> list[Any]:
        """Run the graph."""

    def get_inputs(self) -> list[Any]:
        """The graph's inputs."""

    def get_outputs(self) -> list[Any]:
        """The graph's outputs."""


def open_session(file: Path, threads: int) -> InferenceSession:
    """Open an ONNX file for inference on the CPU with ``threads`` threads a call.

    Raises ``ConfigurationError`` when the file is missing or is no ONNX model.
    """
    import onnxruntime  # noqa: PLC0415  (0.2 s, and not every command needs it)

    if not file.is_file():
        raise ConfigurationError(
            f"no weights at {file}: install the package again or name a folder"
        )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.inter_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        session: InferenceSession = onnxruntime.InferenceSession(
            str(file), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:
        raise ConfigurationError(
            f"cannot load {file} as an ONNX model ({error}): fetch the file again"
        ) from error
    return session
