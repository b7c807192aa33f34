"""Puts the adapters that the settings name behind the ports; adapters are imported here only."""

from sightline.ports import Engine, Warehouse
from sightline.wiring.engine import open_engine, open_warehouse
from sightline.wiring.ids import new_id, new_run_id, new_worker_id, utc_now
from sightline.wiring.models import ModelSet, open_models, open_query_embedder
from sightline.wiring.places import queue_path, source_path, warehouse_path
from sightline.wiring.prices import Pricing, pricing, run_pricing
from sightline.wiring.tasks import known_tasks

__all__ = [
    "Engine",
    "ModelSet",
    "Pricing",
    "Warehouse",
    "known_tasks",
    "new_id",
    "new_run_id",
    "new_worker_id",
    "open_engine",
    "open_models",
    "open_query_embedder",
    "open_warehouse",
    "pricing",
    "queue_path",
    "run_pricing",
    "source_path",
    "utc_now",
    "warehouse_path",
]
