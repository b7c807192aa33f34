"""What ``sightline doctor`` shows."""

from __future__ import annotations

from sightline.cli.output import say
from sightline.cli.program import as_typed
from sightline.operations.doctor import CheckStatus, Examination, Finding

_MARKS = {CheckStatus.PASSED: "ok  ", CheckStatus.FAILED: "FAIL", CheckStatus.NOT_CHECKED: "--  "}


def examination_json(examination: Examination) -> list[dict[str, object]]:
    """Return the document of ``--json``."""
    return [_finding_json(finding) for finding in examination.findings]


def _finding_json(finding: Finding) -> dict[str, object]:
    return {
        "what": finding.subject,
        "ok": not finding.failed,
        "detail": finding.detail,
        "mend": finding.remedy,
        "checked": finding.status is not CheckStatus.NOT_CHECKED,
    }


def print_examination(examination: Examination) -> None:
    """Print a line for each finding, with the remedy below a failure."""
    for finding in examination.findings:
        say(f"{_MARKS[finding.status]} {finding.subject}: {finding.detail}")
        if finding.failed:
            say(f"     fix: {as_typed(finding.remedy)}")
