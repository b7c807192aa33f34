"""The settings of a round's processes: short leases, few calls at a time, too small a budget."""

from __future__ import annotations

import uuid
from pathlib import Path

from sightline.ports import Limits
from sightline.settings.queue_shape import ACK_DEADLINE_S
from tests.chaos.plan import Plan
from tests.chaos.stage import Stage

LEASE_S = {"local": 2.0, "pubsub": 10.0}
"""Short, so that what dead workers held comes back soon; Pub/Sub grants no less than ten."""

LONGEST_LEASE_S = {"local": LEASE_S["local"], "pubsub": float(ACK_DEADLINE_S)}
"""What a pull brought that nobody lived to see is leased for as long as the subscription says."""

CALL_TIMEOUT_S = 2.0
MOST_OUTSTANDING = 64
COST_A_MESSAGE_USD_MICROS = 600
"""About what both parts of a message cost; a budget is a share of it."""


def environment_of(plan: Plan, stage: Stage, home: Path) -> dict[str, str]:
    """Return the settings of a round's processes."""
    name = f"chaos-{uuid.uuid4().hex[:10]}"
    settings = {
        "SIGHTLINE_HOME": str(home),
        "SIGHTLINE_ADAPTERS__CLASSIFY": "vertex",
        "SIGHTLINE_ADAPTERS__EMBED": "vertex",
        "SIGHTLINE_MODELS__CLASSIFY": "gemini-3.5-flash-lite",
        "SIGHTLINE_MODELS__EMBED": "gemini-embedding-2",
        "SIGHTLINE_MODELS__EMBED_DIMENSION": "128",
        "SIGHTLINE_GCP__PROJECT": "chaos",
        "SIGHTLINE_VERTEX__ENDPOINT": stage.models.url,
        "SIGHTLINE_PRODUCER__BUCKETS": "4",
        "SIGHTLINE_PRODUCER__RANGE_ITEMS": str(plan.range_items),
        "SIGHTLINE_WORKER__LEASE_S": str(LEASE_S[plan.queue]),
        "SIGHTLINE_WORKER__FLUSH_S": "0.3",
        "SIGHTLINE_WORKER__DRAIN_IDLE_S": "0.3",
        "SIGHTLINE_WORKER__DRAIN_MISSING_S": "5",
        "SIGHTLINE_WORKER__BACKOFF_S": "0.05",
        "SIGHTLINE_WORKER__MAX_BACKOFF_S": "0.5",
        "SIGHTLINE_WORKER__CALL_TIMEOUT_S": str(CALL_TIMEOUT_S),
        "SIGHTLINE_WORKER__PREFETCH": "32",
        "SIGHTLINE_WORKER__MAX_OUTSTANDING": str(MOST_OUTSTANDING),
        "SIGHTLINE_CLASSIFY_LIMIT__IN_FLIGHT": "16",
        "SIGHTLINE_EMBED_LIMIT__IN_FLIGHT": "16",
    }
    if plan.queue == "pubsub":
        settings |= {
            "SIGHTLINE_ADAPTERS__QUEUE": "pubsub",
            "SIGHTLINE_PUBSUB__ENDPOINT": stage.pubsub.server.endpoint,
            "SIGHTLINE_PUBSUB__TOPIC": name,
            "SIGHTLINE_PUBSUB__SUBSCRIPTION": name,
            "SIGHTLINE_PUBSUB__DEAD_LETTER_TOPIC": f"{name}-dead",
            "SIGHTLINE_PUBSUB__DEAD_LETTER_SUBSCRIPTION": f"{name}-dead",
        }
    return settings


def limits_of(plan: Plan) -> Limits:
    """Return the budget of a round's run, which is less than it needs."""
    if plan.budget == "cost":
        return Limits(int(plan.budget_share * plan.messages * COST_A_MESSAGE_USD_MICROS))
    if plan.budget == "images":
        return Limits(None, int(plan.budget_share * plan.messages))
    return Limits()
