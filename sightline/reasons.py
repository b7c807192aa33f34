"""The closed list of reasons for dead letters, one row each; everything else is derived from it.

docs/dead-letters.md explains each to users; a test compares the two.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class Scope(StrEnum):
    """What a failure is about."""

    IMAGE = "image"
    """One image, or its message: neither the model nor the task is at fault."""

    TASK = "task"
    """The task applied to this image: another prompt or schema may help."""

    JOB = "job"
    """The request, the model or the service: unrelated to the image."""


SYSTEMIC, SINGLE = True, False
"""Whether the job is suspected if every failure has such a reason.

For example, a missing grant fails every image in the way that one image's own grant would.
"""


class Reason(StrEnum):
    """Why a part failed permanently: value, scope, whether systemic, meaning, words in a status.

    ``status_words``, in lower case, identify the reason if a status has no code, as BigQuery's do.
    If the words of several reasons match, the lowest ``status_order`` wins.
    """

    scope: Scope
    systemic: bool
    meaning: str
    status_order: int
    status_words: tuple[str, ...]

    def __new__(
        cls,
        value: str,
        scope: Scope = Scope.IMAGE,  # given in the rows below, but not in a look-up by value
        systemic: bool = SINGLE,
        meaning: str = "",
        status_order: int = 0,
        status_words: tuple[str, ...] = (),
    ) -> Self:
        """Return the reason of one row."""
        reason = str.__new__(cls, value)
        reason._value_ = value
        reason.scope, reason.systemic, reason.meaning = scope, systemic, meaning
        reason.status_order, reason.status_words = status_order, status_words
        return reason

    # fmt: off
    BAD_MESSAGE = (
        "bad_message", Scope.IMAGE, SINGLE,
        ("the message is not JSON of version 1, is over 1 MiB, or names a task version that no"
         " ledger holds"),
    )
    BAD_URI = (
        "bad_uri", Scope.IMAGE, SINGLE,
        ("the image's URI is neither `gs://bucket/object` nor `file:///path`, or it names a file"
         " or a bucket that may not be sent"),
        1, ("bad_uri",),
    )
    IMAGE_GONE = (
        "image_gone", Scope.IMAGE, SINGLE,
        "nothing exists at the URI",
        4, ("not_found", "not found", "no such object", "does not exist"),
    )
    IMAGE_UNREADABLE = (
        "image_unreadable", Scope.IMAGE, SINGLE,
        "the file is empty, truncated, or not a JPEG, PNG or WebP",
        6, (
            "unable to process input image", "unsupported mime", "cannot decode", "invalid image",
        ),
    )
    IMAGE_TOO_LARGE = (
        "image_too_large", Scope.IMAGE, SINGLE,
        "the image has more bytes or pixels than the `images` settings allow",
        5, ("too large", "exceeds the maximum size", "size limit"),
    )
    BLOCKED_BY_SAFETY = (
        "blocked_by_safety", Scope.TASK, SINGLE,
        "the model's safety filter refused the image or the answer",
        7, ("safety", "blocked", "prohibited"),
    )
    RECITATION = (
        "recitation", Scope.TASK, SINGLE,
        "the model stopped because its answer quoted a source at length",
        8, ("recitation",),
    )
    ANSWER_TRUNCATED = (
        "answer_truncated", Scope.TASK, SYSTEMIC,
        "the answer was cut off at the token limit",
    )
    ANSWER_INVALID = (
        "answer_invalid", Scope.TASK, SYSTEMIC,
        ("the answer does not match the task's fields, a vector has the wrong length or contains"
         " a value that is not a finite number, or no ledger can store it"),
    )
    ANSWER_TOO_LARGE = (
        "answer_too_large", Scope.TASK, SYSTEMIC,
        ("the response has more bytes than `models.max_response_bytes`, as sent or decompressed;"
         " it is charged at the most that the request can have cost"),
    )
    MODEL_REJECTED_REQUEST = (
        "model_rejected_request", Scope.JOB, SYSTEMIC,
        "the model rejects the request itself",
        3, ("publisher model",),
    )
    PERMISSION_DENIED = (
        "permission_denied", Scope.IMAGE, SYSTEMIC,
        "this image may not be read",
        2, (
            "permission_denied", "permission denied", "does not have", "access denied", "forbidden",
        ),
    )
    ATTEMPTS_EXHAUSTED = (
        "attempts_exhausted", Scope.JOB, SYSTEMIC,
        ("transient failures on every one of `worker.max_attempts` deliveries, or the queue's"
         " backstop"),
    )
    # fmt: on
