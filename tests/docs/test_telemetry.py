"""The page on watching a worker says what there is: metrics, views, queries, log lines."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from sightline.cli.logs import JsonLines
from sightline.cli.watching.drawing import draw_status, draw_work
from sightline.cli.watching.screen import at
from sightline.errors import Reason, ThrottledError
from sightline.model import Usage
from sightline.ports import Backlog, Delivery
from tests.conftest import CHECKOUT
from tests.docs.pages import code, rows, sections
from tests.docs.views import STATUS, WORK
from tests.telemetry.rig import FOUND, a_day, scrape, settings, worker_status
from worker.limiting import LimiterState
from worker.messages.handled import HANDLED
from worker.results.row_writer import LEDGERS
from worker.telemetry.calls import ERRORS, SUCCEEDED
from worker.telemetry.metrics import METRICS
from worker.telemetry.opening import open_telemetry

PAGE = CHECKOUT / "docs" / "telemetry.md"
SUFFIXES = ("_total", "_bucket", "_count", "_sum")


def blocks_after(comment: str, page: Path = PAGE) -> list[str]:
    """Return the blocks below this comment."""
    text = page.read_text(encoding="utf-8")
    return re.findall(rf"<!-- {comment} -->\n```\w*\n(.*?)```", text, re.DOTALL)


@pytest.fixture(scope="module")
def served() -> dict[str, str]:
    """Return the names under which Prometheus gets each metric, by the metric's."""
    with open_telemetry(settings(prometheus_port=0), worker_id="w1") as telemetry:
        assert telemetry.prometheus_url
        telemetry.probe.status = worker_status(a_day())
        telemetry.probe.limiters = {"classify": FOUND}
        telemetry.probe.backlog = Backlog(1, 1, 1.0)
        telemetry.meters["classify"].answered(Usage(1, 1, 1), 1.0)
        telemetry.meters["classify"].failed(ThrottledError("429"), 0.1)
        families = {re.sub(r"_(bucket|count|sum)$", "", line) for line in
                    scrape(telemetry.prometheus_url)}  # fmt: skip
    names = {}
    for metric in METRICS:
        stem = re.escape(metric.name.replace(".", "_"))
        (names[metric.name],) = [
            family
            for family in families
            if re.fullmatch(rf"{stem}(_per_second|_seconds)?(_total)?", family)
        ]
    assert set(names.values()) == families - {"target_info"}
    return names


def test_every_metric_is_documented(served: dict[str, str]) -> None:
    expected = [
        [
            f"`{metric.name}`",
            f"`{served[metric.name]}`",
            f"`{metric.unit}`",
            ", ".join(f"`{name}`" for name in metric.attributes),
            metric.description,
        ]
        for metric in METRICS
    ]
    listed = [cells for cells in rows(sections(PAGE, 3)["All metrics"]) if len(cells) == 5]
    paste = "\n".join(f"| {' | '.join(cells)} |" for cells in expected)
    assert listed == expected, f"the table should be:\n{paste}"


def test_every_attribute_is_documented_with_its_values() -> None:
    listed = {
        code(cells[0]): cells[1]
        for cells in rows(sections(PAGE, 3)["All metrics"])
        if len(cells) == 2
    }
    assert set(listed) == {name for metric in METRICS for name in metric.attributes}
    values = {name: set(re.findall(r"`([^`]+)`", text)) for name, text in listed.items()}
    assert values["sightline.outcome"] == {SUCCEEDED, *ERRORS}
    assert values["sightline.state"] == {
        *(state.value for state in LimiterState),
        "ready",
        "leased",
    }
    assert values["sightline.ledger"] == set(LEDGERS.values())
    assert len(Reason) == 13, "the page points to the list of reasons"


def test_the_queries_ask_for_metrics_that_are_there(served: dict[str, str]) -> None:
    queries = re.findall(r"```promql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    queried = set(
        re.findall(r"\b((?:sightline|gen_ai|messaging)_\w+?)(?=[\[{) \n])", "".join(queries))
    )
    labels = {name.replace(".", "_") for metric in METRICS for name in metric.attributes}
    known = {*served.values(), *(f"{name}{end}" for name in served.values() for end in SUFFIXES)}
    metrics = {name for name in queried if name not in labels}
    assert len(metrics) > 5
    assert metrics <= known


def test_the_pictures_are_what_is_drawn() -> None:
    assert blocks_after("view: work") == [f"{draw_work(WORK, ascii_only=False).plain}\n"]
    assert blocks_after("view: status") == [f"{draw_status(STATUS, ascii_only=False).plain}\n"]


def test_every_name_of_a_line_on_a_pipe_is_documented() -> None:
    listed = {
        name
        for cells in rows(sections(PAGE, 3)["On a pipe"])
        for name in re.findall(r"`(\w+)`", cells[0])
    }
    assert listed == set(at(WORK.as_dict()))


def test_the_log_line_is_such_a_line() -> None:
    (block,) = blocks_after("log")
    example = json.loads(block)
    record = logging.makeLogRecord(
        {"name": example["logger"], "levelname": example["severity"], "msg": example["message"],
         "created": 1773480413.589}
    )  # fmt: skip
    delivery = Delivery("l1", example["message_id"], b"", {"run_id": example["run_id"]}, 1)
    token = HANDLED.set(delivery)
    try:
        assert JsonLines(example["worker_id"]).format(record) + "\n" == block
    finally:
        HANDLED.reset(token)
