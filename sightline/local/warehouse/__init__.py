"""The local warehouse: ledgers as folders of Parquet files, read by DuckDB."""

from sightline.local.warehouse.answers import LocalAnswers
from sightline.local.warehouse.asking import current_answers, query
from sightline.local.warehouse.budgets import LocalBudgets
from sightline.local.warehouse.compaction import compact, compact_all
from sightline.local.warehouse.dead_letters import LocalDeadLetters
from sightline.local.warehouse.engine import EngineOptions
from sightline.local.warehouse.gallery import LocalGallery
from sightline.local.warehouse.ledgers import LocalLedgers
from sightline.local.warehouse.repair import repair_all
from sightline.local.warehouse.runs import LocalRuns, TaskVersion
from sightline.local.warehouse.search import LocalSearch
from sightline.local.warehouse.search_index import LocalVectorIndexes
from sightline.local.warehouse.source import LocalSource
from sightline.local.warehouse.upkeep import LocalUpkeep
from sightline.local.warehouse.vector_pages import LocalVectors
from sightline.local.warehouse.views import connect
from sightline.local.warehouse.writer import LocalWriter

__all__ = [
    "EngineOptions",
    "LocalAnswers",
    "LocalBudgets",
    "LocalDeadLetters",
    "LocalGallery",
    "LocalLedgers",
    "LocalRuns",
    "LocalSearch",
    "LocalSource",
    "LocalUpkeep",
    "LocalVectorIndexes",
    "LocalVectors",
    "LocalWriter",
    "TaskVersion",
    "compact",
    "compact_all",
    "connect",
    "current_answers",
    "query",
    "repair_all",
]
