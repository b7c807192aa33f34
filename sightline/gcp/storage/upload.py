"""Uploads files to a bucket, and skips those that exist there with the same content.

Repeating an interrupted upload resumes it. An object that differs is replaced, but only in the
generation that was listed, so that concurrent changes are not lost.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from sightline.errors import ConfigurationError
from sightline.gcp.failures import STORAGE
from sightline.gcp.storage.client import StoragePlace
from sightline.gcp.storage.uri import BucketPrefix
from sightline.gcp.vertex_location import mime_type

MAX_FAILURES_REPORTED = 20
_CHUNK_BYTES = 1 << 20
_OTHER_TYPES = {
    ".csv": "text/csv",
    ".jsonl": "application/jsonl",
    ".parquet": "application/octet-stream",
}

Outcome = Literal["uploaded", "replaced", "there"]
Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file, and its path below the prefix."""

    file: Path
    relative: str


@dataclass(frozen=True, slots=True)
class Stored:
    """An object in a listing."""

    size_bytes: int
    crc32c: str
    generation: int


@dataclass(slots=True)
class UploadReport:
    """The result of an upload, in files; ``failed`` has the first ``MAX_FAILURES_REPORTED``."""

    uploaded: int = 0
    replaced: int = 0
    there: int = 0
    bytes_sent: int = 0
    failed_count: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def done(self) -> int:
        """The number of files that were processed."""
        return self.uploaded + self.replaced + self.there + self.failed_count


def upload_files(
    client: Any,
    place: StoragePlace,
    target: BucketPrefix,
    files: Iterable[Upload],
    *,
    threads: int,
    total: int | None = None,
    on_progress: Progress | None = None,
) -> UploadReport:
    """Upload files in ``threads`` threads; an unreadable file does not affect the others.

    Raises:
        NotFoundError: the bucket does not exist.
        ConfigurationError: no permission to list or to write, or an invalid name.
        TransientError: the service cannot be reached; run the command again.
    """
    there = _listing(client, place, target)
    bucket = client.bucket(target.bucket)
    report = UploadReport()

    def send(upload: Upload) -> tuple[Outcome, int]:
        return _send(bucket, place, target, upload, there.get(target.name(upload.relative)))

    stream = iter(files)
    with ThreadPoolExecutor(threads) as pool:
        waiting: dict[Future[tuple[Outcome, int]], Upload] = {}
        try:
            while True:
                for upload in islice(stream, 2 * threads - len(waiting)):
                    waiting[pool.submit(send, upload)] = upload
                if not waiting:
                    return report
                for done in wait(waiting, return_when=FIRST_COMPLETED).done:
                    _count(report, waiting.pop(done), done)
                if on_progress is not None:
                    on_progress(report.done, total)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _count(report: UploadReport, upload: Upload, done: Future[tuple[Outcome, int]]) -> None:
    try:
        outcome, byte_count = done.result()
    except OSError as error:
        report.failed_count += 1
        if len(report.failed) < MAX_FAILURES_REPORTED:
            report.failed.append(f"{upload.relative}: {error.strerror or type(error).__name__}")
        return
    setattr(report, outcome, getattr(report, outcome) + 1)
    report.bytes_sent += byte_count


def _listing(client: Any, place: StoragePlace, target: BucketPrefix) -> Mapping[str, Stored]:
    prefix = f"{target.prefix}/" if target.prefix else None
    fields = "items(name,size,crc32c,generation),nextPageToken"
    with STORAGE.translated(f"gs://{target.bucket}", absent=_make_bucket(place, target)):
        blobs = client.list_blobs(
            target.bucket, prefix=prefix, fields=fields, **place.request_options()
        )
        return {blob.name: Stored(blob.size, blob.crc32c, blob.generation) for blob in blobs}


def _make_bucket(place: StoragePlace, target: BucketPrefix) -> str:
    return (
        f"run `gcloud storage buckets create gs://{target.bucket} --project={place.project}"
        " --uniform-bucket-level-access`"
    )


def _send(
    bucket: Any,
    place: StoragePlace,
    target: BucketPrefix,
    upload: Upload,
    stored: Stored | None,
) -> tuple[Outcome, int]:
    from google.api_core.exceptions import PreconditionFailed

    size_bytes = upload.file.stat().st_size
    may_be_there = stored is not None and stored.size_bytes == size_bytes
    if stored and may_be_there and stored.crc32c == crc32c_of(upload.file):
        return "there", 0
    blob = bucket.blob(target.name(upload.relative))
    with STORAGE.translated(target.uri(upload.relative), absent=_make_bucket(place, target)):
        try:
            blob.upload_from_filename(
                str(upload.file),
                content_type=_content_type(upload.file),
                if_generation_match=stored.generation if stored else 0,
                checksum="crc32c",
                **place.request_options(),
            )
        except PreconditionFailed:
            # Another process wrote it, or an attempt of this upload whose response was lost.
            blob.reload(**place.request_options())
            if blob.crc32c == crc32c_of(upload.file):
                return "uploaded", size_bytes
            raise ConfigurationError(
                f"{target.uri(upload.relative)} was changed by another process during the upload;"
                " run the upload again when no other process writes there"
            ) from None
    return ("replaced" if stored else "uploaded"), size_bytes


def _content_type(file: Path) -> str:
    return _OTHER_TYPES.get(file.suffix.lower()) or mime_type(file.name)


def crc32c_of(file: Path) -> str:
    """Return a file's CRC32C in Cloud Storage's form: Base64 of four bytes, big-endian."""
    import google_crc32c

    checksum: Any = google_crc32c.Checksum()  # type: ignore[no-untyped-call]  # untyped there
    with file.open("rb") as content:
        for chunk in _chunks(content.read):
            checksum.update(chunk)
    return base64.b64encode(checksum.digest()).decode()


def _chunks(read: Callable[[int], bytes]) -> Iterator[bytes]:
    while chunk := read(_CHUNK_BYTES):
        yield chunk
