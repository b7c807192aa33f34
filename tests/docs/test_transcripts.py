"""The transcripts in the documentation are what a reader gets."""

from __future__ import annotations

import re
from itertools import zip_longest
from pathlib import Path

import pytest

from scripts.transcript import Transcript, pages, rewritten, run, tidy, transcripts
from tests.conftest import CHECKOUT

TOLERANCE = 0.03
"""How far an accuracy or a cosine may be from the page's, on another processor."""

MACHINE = (
    (re.compile(r"in [\d,.]+ s \([\d,]+"), "in SECONDS (SPEED"),
    (re.compile(r"[\d,.]+ GB free"), "SPACE free"),
    (re.compile(r"\d{8}-\d{6}-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"(home|ok   home:) \S+"), r"\1 HOME"),
    (re.compile(r"^(ok   (?:python|sqlite):) .*"), r"\1 VERSION"),
)
SCORE = re.compile(r"(?<![\w.-])-?\d\.\d{3}(?!\d)")
HIT = re.compile(r"\s*(-?\d\.\d{3})\s.*\S\.jpg")


def masked(line: str) -> str:
    """Return a line without what varies: seconds, run ids, and which image came how close."""
    if hit := HIT.fullmatch(line):
        return f"HIT {hit[1]}"
    for pattern, name in MACHINE:
        line = pattern.sub(name, line)
    return re.sub(r" {2,}", "  ", line).strip()


def differences(page: str, real: str) -> list[str]:
    """Return where two outputs differ by more than a machine may make them differ."""
    differing = []
    for left, right in zip_longest(page.splitlines(), real.splitlines(), fillvalue="(nothing)"):
        ours, theirs = masked(left), masked(right)
        scores = zip(SCORE.findall(ours), SCORE.findall(theirs), strict=False)
        near = all(abs(float(a) - float(b)) <= TOLERANCE for a, b in scores)
        if not near or SCORE.sub("SCORE", ours) != SCORE.sub("SCORE", theirs):
            differing.append(f"the page says: {left}\na real run:    {right}")
    return differing


@pytest.mark.extended
def test_the_transcripts_are_what_the_commands_print(tmp_path: Path) -> None:
    listed = [transcript for page in pages() for transcript in transcripts(page)]
    wrong = [
        f"{transcript.page.relative_to(CHECKOUT)}: {transcript.command}: {difference}"
        for transcript in listed
        for difference in differences(
            transcript.output, run(transcript.command, tmp_path.resolve())
        )
    ]
    assert not wrong, "run scripts/transcript.py\n" + "\n".join(wrong)


def test_the_readme_shows_the_demo_as_make_runs_it() -> None:
    readme = CHECKOUT / "README.md"
    assert [transcript.command for transcript in transcripts(readme)] == [
        ".venv/bin/sightline demo"
    ]
    assert "$ make demo\n" in readme.read_text(encoding="utf-8")
    makefile = (CHECKOUT / "Makefile").read_text(encoding="utf-8")
    assert re.search(r"^demo:.*\n\t@\.venv/bin/sightline demo$", makefile, re.MULTILINE)


def test_seconds_and_run_ids_may_differ_and_counts_and_accuracy_may_not() -> None:
    page = (
        "1,200 images in 30.1 s (40 images/s): 5 answers\nrun 20260101-000000-abcdef\n  x  0.90\n"
    )
    again = (
        "1,200 images in 9.0 s (133 images/s): 5 answers\nrun 20270101-000000-abcdee\n  x  0.90\n"
    )
    assert differences(page, again) == []
    assert differences(page, again.replace("5 answers", "4 answers"))
    assert differences("  weather   0.900\n", "  weather  0.921\n") == []
    assert differences("  weather   0.900\n", "  weather  0.940\n")
    assert differences("a\n", "a\nb\n")


def test_a_hit_may_be_another_image_of_about_the_same_score() -> None:
    assert differences("  0.301  stop  demo/a.jpg\n", "  0.302  demo/b.jpg\n") == []
    assert differences("  0.301  stop  demo/a.jpg\n", "nothing found\n")


def test_progress_lines_and_the_folder_are_left_out() -> None:
    output = "1/4 rendering\nrendering: 25 of 1,200\n/there/demo/scenes  \n"
    assert tidy(output, Path("/there")) == "1/4 rendering\ndemo/scenes\n"


def test_only_the_output_of_a_transcript_is_rewritten(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- transcript: sightline status -->\n```console\n$ sightline status\nold\n```\n"
        "after\n```console\n$ other\nkept\n```\n"
    )
    (transcript,) = transcripts(page)
    assert transcript == Transcript(page, "sightline status", "old\n")
    text = rewritten(page, {"sightline status": "new\n"})
    assert text == page.read_text().replace("old", "new")
