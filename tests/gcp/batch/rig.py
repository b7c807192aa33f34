"""Batch jobs on test servers (BigQuery's emulator, a bucket, the simulator), and killed processes.

Each process is a separate set of objects over the same servers. An error at a named call kills it:
before the call, or after the call took effect.
"""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from sightline.gcp.batch.batch_submitter import BatchSubmitter
from sightline.gcp.batch.folder import BucketFolder
from sightline.gcp.batch.jobs import BatchJob, VertexBatchJobs
from sightline.gcp.batch.stage import LoadingStage
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.storage import BucketPrefix, StoragePlace, open_storage
from sightline.gcp.vertex_location import VertexLocation
from sightline.model import AnswerPart, EmbeddingPart, PartRequest
from sightline.ports import PartBatch
from sightline.sim.vertex.batch import BatchPace, SimulatedBatchJobs
from sightline.sim.vertex.buckets import Buckets
from sightline.sim.vertex.server import VertexSimulator
from sightline.tasks import TaskSpec
from sightline.work_lists import BY_BATCH_JOBS
from tests.contracts.warehouse_rig import NOW, answer_part, observation, task
from tests.gcp.servers import BigQueryEmulator, GcsServer
from tests.gcp.sql.rig import GEMINI, Warehouse, open_warehouse
from tests.worker.scripted_batches import FakeBudgets
from worker.batches.batch_worker import BatchWorker, BatchWorkSummary
from worker.budgets.run_budgets import RunBudgets

SEEN = [observation(number) for number in range(6)]
SIGNS: TaskSpec = replace(task(), model=GEMINI)
SIGNS_PART: AnswerPart = answer_part(SIGNS)
VECTORS_PART = EmbeddingPart("gemini-embedding-2", 128)
BATCHES = {part: PartBatch("run-1", part) for part in (SIGNS_PART, VECTORS_PART)}


class KilledError(Exception):
    """The process is killed here."""


@dataclass
class KillsProcess:
    """Wraps an object and kills the process at one method; ``when`` is before or after the call."""

    inner: Any
    method: str
    when: str

    def __getattr__(self, name: str) -> Any:
        """Return the method, or one that kills the process."""
        method = getattr(self.inner, name)
        if name != self.method:
            return method

        async def kill(*arguments: Any, **more: Any) -> Any:
            if self.when == "after":
                await method(*arguments, **more)
            raise KilledError

        return kill


@dataclass
class Cloud:
    """The servers, with a run enqueued for batch jobs."""

    warehouse: Warehouse
    simulator: VertexSimulator
    vertex: VertexBatchJobs
    folder: BucketFolder
    seen: list[BatchJob] = field(default_factory=list)
    allowed: tuple[str, ...] = ()

    @property
    def jobs(self) -> SimulatedBatchJobs:
        """The jobs of the service."""
        return self.simulator.batch.jobs

    def pace(self, **how: Any) -> None:
        """Set the behaviour of the next jobs."""
        self.jobs.pace = BatchPace(**how)

    def submitter(self, **kills: tuple[str, str]) -> BatchSubmitter:
        """Return the submitter of a process.

        ``vertex``, ``stage`` and ``warehouse`` give the method, and when, at which it is killed.
        """
        parts: dict[str, Any] = {
            "vertex": self.vertex,
            "stage": LoadingStage(self.warehouse.client),
            "warehouse": self.warehouse.jobs,
        }
        for name, (method, when) in kills.items():
            parts[name] = KillsProcess(parts[name], method, when)
        return BatchSubmitter(
            lambda _: parts["vertex"],
            self.folder,
            parts["warehouse"],
            parts["stage"],
            self.warehouse.ledgers.task_version,
            buckets=self.allowed,
            look_every_s=0.01,
            on_job=self.seen.append,
        )

    async def work(self, worker_id: str = "w1", /, **kills: tuple[str, str]) -> BatchWorkSummary:
        """Process all open batches, as the command does, without real pauses."""
        numbers = iter(range(10_000))

        async def estimate(_: PartBatch) -> int:
            return 10

        async def sleep(_: float) -> None:
            return

        run_budgets = RunBudgets(
            FakeBudgets(), worker_id=worker_id, now=lambda: NOW, new_id=lambda: f"e{next(numbers)}",  # type: ignore[arg-type]  # a part of the port
            random=lambda: 0.0, pause_s=0.0,
        )  # fmt: skip
        batches = self.warehouse.batches_by(self.submitter(**kills), worker_id)
        return await BatchWorker(batches, run_budgets, estimate, parts=100, sleep=sleep).work()

    def names(self, below: str = "") -> list[str]:
        """Return the names of the objects in the folder."""
        prefix = self.folder.root.name(below) if below else self.folder.root.prefix
        blobs = self.folder.client.list_blobs(self.folder.root.bucket, prefix=prefix)
        return [blob.name for blob in blobs]

    async def written(self) -> list[str]:
        """Return the part keys in the ledgers, sorted, with duplicates."""
        place = self.warehouse.client.place
        vectors = place.table("embeddings_gemini_embedding_2_128")
        answers = place.table("classifications")
        rows = await self.warehouse.client.rows(
            f"SELECT part_key FROM {answers} UNION ALL SELECT part_key FROM {vectors}"
        )
        return sorted(key for (key,) in rows)


@asynccontextmanager
async def open_cloud(
    emulator: BigQueryEmulator,
    gcs: GcsServer,
    *,
    parts: Sequence[AnswerPart | EmbeddingPart] = (SIGNS_PART,),
    observations: Sequence[Any] = SEEN,
    tasks: Sequence[TaskSpec] = (SIGNS,),
    allowed: tuple[str, ...] = (),
) -> AsyncIterator[Cloud]:
    """Open the servers, with a run of these parts; ``allowed`` are the submitter's buckets."""
    storage = StoragePlace("p", gcs.endpoint)
    async with AsyncExitStack() as stack:
        warehouse = await stack.enter_async_context(
            open_warehouse(
                emulator, observations, tasks, embedding=VECTORS_PART, engine=BY_BATCH_JOBS
            )
        )
        buckets = await stack.enter_async_context(Buckets.open(gcs.endpoint))
        simulator = await stack.enter_async_context(VertexSimulator(buckets=buckets))
        place = VertexLocation("p", "global", simulator.base_url)
        credentials = GoogleTokens.fixed("emulator").credentials
        vertex = await stack.enter_async_context(VertexBatchJobs.open(place, credentials))
        client = stack.enter_context(open_storage(storage))
        root = BucketPrefix(f"bucket-{uuid.uuid4().hex[:12]}", "batch")
        client.create_bucket(root.bucket)
        if parts:
            await warehouse.open_run(*(PartRequest(part) for part in parts))
        folder = BucketFolder(client, storage, root)
        yield Cloud(warehouse, simulator, vertex, folder, allowed=allowed)
