"""The local warehouse: ledgers as folders of Parquet files, read by DuckDB."""

from sightline.local.warehouse.ledgers import LocalLedgers
from sightline.local.warehouse.source import SOURCE_COLUMNS, LocalSource
from sightline.local.warehouse.views import connect
from sightline.local.warehouse.writer import LocalWriter

__all__ = ["SOURCE_COLUMNS", "LocalLedgers", "LocalSource", "LocalWriter", "connect"]
