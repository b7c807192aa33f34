"""Defines the views over the ledgers once, in the SQL that BigQuery and DuckDB share.

In a ``select``, ``{name}`` stands for the ledger or view of that name, quoted by the engine. ``at``
is a reserved word in both, so it follows its table's name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class View:
    """A view: its content, and the ledgers it reads (also through other views)."""

    name: str
    description: str
    select: str
    ledgers: tuple[str, ...]

    def sql(self, names: Mapping[str, str]) -> str:
        """Return the query, with each ledger and view replaced by the engine's name for it."""
        return self.select.format_map(names)


ONE_ROW_A_PART = """
SELECT * FROM {ledger}
WHERE true
QUALIFY row_number() OVER (PARTITION BY part_key ORDER BY written_at, worker_id, attempt) = 1
"""

CURRENT_ANSWERS = """
SELECT answered.*
FROM {answers} AS answered
JOIN {tasks_active} AS active
  ON answered.task = active.task AND answered.fingerprint = active.fingerprint
WHERE true
QUALIFY row_number() OVER (
  PARTITION BY answered.subject_id, answered.task
  ORDER BY answered.written_at DESC, answered.part_key) = 1
"""

CLASSIFICATIONS_ALL = View(
    "classifications_all",
    "One row for each answered part",
    ONE_ROW_A_PART.replace("{ledger}", "{classifications}"),
    ("classifications",),
)

TASKS_ACTIVE = View(
    "tasks_active",
    "The version of each task that its views show: the last one used or made active",
    """
SELECT * FROM {task_versions} AS task_versions
WHERE true
QUALIFY row_number() OVER (PARTITION BY task ORDER BY task_versions.at DESC, fingerprint) = 1
""",
    ("task_versions",),
)

CLASSIFICATIONS_CURRENT = View(
    "classifications_current",
    "One row for each subject and task, at the task's active version",
    CURRENT_ANSWERS.replace("{answers}", "{classifications_all}"),
    ("classifications", "task_versions"),
)

OBSERVATIONS_CURRENT = View(
    "observations_current",
    "One row for each observation that was ever enqueued, the newest",
    """
SELECT * FROM {observations}
WHERE true
QUALIFY row_number() OVER (PARTITION BY observation_id ORDER BY written_at DESC, run_id DESC) = 1
""",
    ("observations",),
)

# A ``retried`` event only records the cost of a failed call; its part is not dead.
DEAD_LETTERS_LATEST = View(
    "dead_letters_latest",
    "The last event of each dead letter",
    """
SELECT * FROM {dead_letters} AS dead_letters
WHERE event IN ('dead', 'replayed', 'purged')
QUALIFY row_number() OVER (
  PARTITION BY part_key
  ORDER BY dead_letters.at DESC,
    CASE event WHEN 'purged' THEN 2 WHEN 'replayed' THEN 1 ELSE 0 END DESC,
    event_id DESC) = 1
""",
    ("dead_letters",),
)

DEAD_LETTERS_CURRENT = View(
    "dead_letters_current",
    "Dead letters that were neither replayed nor purged",
    "SELECT * FROM {dead_letters_latest} WHERE event = 'dead'",
    ("dead_letters",),
)

RUNS_ONCE = View(
    "runs_once",
    "One row for each run",
    """
SELECT * FROM {runs}
WHERE true
QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY created_at) = 1
""",
    ("runs",),
)

RANGES_PUBLISHED = View(
    "ranges_published",
    "The ranges of work lists that are known to be published",
    """
SELECT DISTINCT run_id, bucket, start, stop FROM {run_events} WHERE event = 'range_published'
""",
    ("run_events",),
)

RUNS_CURRENT = View(
    "runs_current",
    "Every run with its state: open, published or cancelled",
    """
SELECT
  asked.run_id,
  asked.created_at,
  CASE
    WHEN asked.run_id IN (SELECT run_id FROM {run_events} WHERE event = 'cancelled')
    THEN 'cancelled'
    WHEN coalesce(done.items, 0) >= asked.messages THEN 'published'
    ELSE 'open'
  END AS state,
  asked.messages,
  asked.parts,
  asked.request
FROM {runs_once} AS asked
LEFT JOIN (
  SELECT run_id, sum(stop - start) AS items FROM {ranges_published} GROUP BY run_id
) AS done ON done.run_id = asked.run_id
""",
    ("runs", "run_events"),
)

# A run exists once it is in ``runs``; a list without one was left by a killed producer.
WORK_ITEMS_CURRENT = View(
    "work_items_current",
    "The work lists of the runs there are",
    "SELECT * FROM {work_items} WHERE run_id IN (SELECT run_id FROM {runs})",
    ("work_items", "runs"),
)

BUDGET_EVENTS_ONCE = View(
    "budget_events_once",
    "One row for each event of a budget",
    """
SELECT * FROM {budget_events} AS budget_events
WHERE true
QUALIFY row_number() OVER (
  PARTITION BY event_id ORDER BY budget_events.at, worker_id) = 1
""",
    ("budget_events",),
)

BUDGETS_CURRENT = View(
    "budgets_current",
    "Every run's budget: its limits, what workers have reserved, and whether it is reached",
    """
SELECT
  asked.run_id,
  asked.cost_usd_micros AS max_cost_usd_micros,
  asked.images AS max_images,
  coalesce(held.cost_usd_micros, 0) AS reserved_cost_usd_micros,
  coalesce(held.images, 0) AS reserved_images,
  coalesce(held.reached_at >= asked.set_at, false) AS reached,
  held.last_event_at
FROM (
  SELECT run_id, cost_usd_micros, images, events.at AS set_at
  FROM {budget_events_once} AS events
  WHERE event = 'set'
  QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY events.at DESC, event_id DESC) = 1
) AS asked
LEFT JOIN (
  SELECT
    run_id,
    sum(CASE event WHEN 'reserved' THEN cost_usd_micros
      WHEN 'released' THEN 0 - cost_usd_micros ELSE 0 END) AS cost_usd_micros,
    sum(CASE event WHEN 'reserved' THEN images
      WHEN 'released' THEN 0 - images ELSE 0 END) AS images,
    max(CASE event WHEN 'reached' THEN events.at END) AS reached_at,
    max(events.at) AS last_event_at
  FROM {budget_events_once} AS events
  GROUP BY run_id
) AS held ON held.run_id = asked.run_id
""",
    ("budget_events",),
)

VIEWS: tuple[View, ...] = (
    CLASSIFICATIONS_ALL,
    TASKS_ACTIVE,
    CLASSIFICATIONS_CURRENT,
    OBSERVATIONS_CURRENT,
    DEAD_LETTERS_LATEST,
    DEAD_LETTERS_CURRENT,
    RUNS_ONCE,
    RANGES_PUBLISHED,
    RUNS_CURRENT,
    WORK_ITEMS_CURRENT,
    BUDGET_EVENTS_ONCE,
    BUDGETS_CURRENT,
)
"""All views with fixed names, each after those it reads; others are of vectors and tasks."""
