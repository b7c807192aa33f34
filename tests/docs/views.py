"""The live views that the documentation shows: a worker and a run in the middle of a job."""

from __future__ import annotations

from sightline.cli.watching.work_state import LimiterView, WorkView
from sightline.operations.watching.status_state import RunView, StatusView

FOUND = (
    5.0, 9.6, 18.9, 37.1, 52.0, 44.8, 48.3, 49.7, 50.4, 41.2, 46.9, 49.1,
    50.0, 50.2, 50.9, 36.0, 21.3, 17.2, 19.4, 19.9, 20.1, 20.4, 17.8, 19.2,
    19.8, 20.2, 24.6, 37.2, 58.8, 74.9, 79.1, 69.3, 76.4, 79.2, 79.9, 80.3,
)  # fmt: skip

WORK = WorkView(
    worker_id="street-4711-0c9a3e",
    seconds=1093.0,
    stopping=False,
    limiters={
        "classify": LimiterView("steady", 80.3, 171, 362, 0.012, FOUND),
        "embed": LimiterView("slow_start", 318.0, 64, 64, 0.0, FOUND[:4]),
    },
    messages=61_204,
    messages_per_s=78.6,
    messages_per_s_average=56.0,
    answers=61_198,
    embeddings=61_204,
    calls=124_119,
    share_refused=0.013,
    retries=41,
    leased=688,
    leases_lost=0,
    left=412_950,
    left_unit="messages",
    eta_s=5254.0,
    cost_usd=17.23,
    cost_usd_per_hour=79.62,
    dead={"image_gone": 5, "blocked_by_safety": 1},
)

STATUS = StatusView(
    runs=(
        RunView("20260314-091502-a1b2c3", "published", 948_308, 122_402, 6, 825_900, 0, 0, 0, True),
        RunView("20260313-174410-99e0d2", "done", 2_400, 2_388, 12, 0, 0, 0, 0, True),
    ),
    parts_per_s=157.2,
    left=825_900,
    eta_s=5254.0,
    cost_usd=17.81,
    cost_usd_per_hour=79.62,
    ready=412_262,
    leased=688,
    dead={"image_gone": 17, "blocked_by_safety": 1},
)
