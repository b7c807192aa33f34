"""The tables and views that the job needs in BigQuery, and the command that corrects a table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sightline.gcp.bigquery.place import BigQueryPlace
from sightline.operations.cloud import embedding_part
from sightline.schema import LEDGERS, VIEWS, Column, Ledger, embeddings_ledger
from sightline.settings import Settings
from sightline.tasks import TaskSpec, view_name

EMBEDDINGS_VIEWS = ("embeddings_rows", "embeddings_all", "embeddings")


def expected_ledgers(settings: Settings) -> Sequence[Ledger]:
    """Return the ledgers with fixed names, and that of the configured embeddings."""
    part = embedding_part(settings)
    return (*LEDGERS, embeddings_ledger(part.model, part.dimension))


def expected_views(settings: Settings, tasks: Iterable[TaskSpec]) -> Sequence[str]:
    """Return the names of the views over the ledgers, and of the views of these tasks."""
    own = f"{expected_ledgers(settings)[-1].name}_all"
    names = [*(view.name for view in VIEWS), own, *EMBEDDINGS_VIEWS, *map(view_name, tasks)]
    return list(dict.fromkeys(names))


def mend_table(place: BigQueryPlace, ledger: Ledger, wrong: Sequence[str]) -> str:
    """Return the one command that gives a table its expected columns.

    Missing columns are added; a table with a column of another type is renamed and created again.
    """
    missing = {f"{ledger.name}.{column.name} is missing": column for column in ledger.columns}
    table = f"{place.project}.{place.dataset}.{ledger.name}"
    if all(difference in missing for difference in wrong):
        columns = [missing[difference] for difference in wrong]
        added = ", ".join(
            f"ADD COLUMN IF NOT EXISTS `{column.name}` {_sql_type(column)}" for column in columns
        )
        return f"bq query --use_legacy_sql=false 'ALTER TABLE `{table}` {added}'"
    return (
        f"bq query --use_legacy_sql=false 'ALTER TABLE `{table}` RENAME TO {ledger.name}_before'"
        " && sightline setup"
    )


def _sql_type(column: Column) -> str:
    kind = "FLOAT64" if column.type == "FLOAT32" else column.type
    return f"ARRAY<{kind}>" if column.repeated else kind
