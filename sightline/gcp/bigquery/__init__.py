"""Implements the ports on BigQuery: observations, ledgers, runs, dead letters and search."""

from sightline.gcp.bigquery.answers import BigQueryAnswers
from sightline.gcp.bigquery.append import AppendRule, LedgerAppender
from sightline.gcp.bigquery.budgets import BigQueryBudgets
from sightline.gcp.bigquery.client import BigQueryClient
from sightline.gcp.bigquery.consistency import BigQueryConsistency
from sightline.gcp.bigquery.dead_letters import BigQueryDeadLetters
from sightline.gcp.bigquery.gallery import BigQueryGallery
from sightline.gcp.bigquery.items import ItemReader
from sightline.gcp.bigquery.ledgers import BigQueryLedgers
from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.gcp.bigquery.runs import BigQueryRuns
from sightline.gcp.bigquery.search import BigQuerySearch
from sightline.gcp.bigquery.source import BigQuerySource
from sightline.gcp.bigquery.upkeep import BigQueryUpkeep
from sightline.gcp.bigquery.vector_index import BigQueryVectorIndexes
from sightline.gcp.bigquery.vector_pages import BigQueryVectors
from sightline.gcp.bigquery.writer import BigQueryWriter

__all__ = [
    "AppendRule",
    "BigQueryAnswers",
    "BigQueryBudgets",
    "BigQueryClient",
    "BigQueryConsistency",
    "BigQueryDeadLetters",
    "BigQueryGallery",
    "BigQueryLedgers",
    "BigQueryPlace",
    "BigQueryRuns",
    "BigQuerySearch",
    "BigQuerySource",
    "BigQueryUpkeep",
    "BigQueryVectorIndexes",
    "BigQueryVectors",
    "BigQueryWriter",
    "ItemReader",
    "LedgerAppender",
]
