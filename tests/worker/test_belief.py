"""What a limiter believes, in words."""

from __future__ import annotations

import pytest

from worker.limiting import Outcome, QuotaFinder, Sample, SharedQuotaFinder
from worker.limiting.belief import Belief


@pytest.mark.parametrize(
    ("belief", "words"),
    [
        (Belief(50.2), "about 50.2 a second"),
        (Belief(2.0, by_the_minute=True), "about 120 a minute, counted by the minute"),
        (
            Belief(0.2, workers=3, usual=0.3),
            "about 12 a minute; 3 workers; 30% refused at random",
        ),
        (
            Belief(20.0, usual=0.0005, slowed="answers took longer"),
            "about 20 a second; last slowed down because answers took longer",
        ),
        (Belief(20.0, remembered_s=7.0), "about 20 a second; remembered from 7 s ago"),
        (Belief(20.0, remembered_s=300.0), "about 20 a second; remembered from 5 min ago"),
        (Belief(20.0, remembered_s=7200.0), "about 20 a second; remembered from 2 h ago"),
    ],
)
def test_a_belief_is_told_in_words(belief: Belief, words: str) -> None:
    assert belief.in_words() == words


@pytest.mark.parametrize(
    ("finder", "begins", "why"),
    [
        (QuotaFinder(10), "about 60 a minute", "the model refused calls while the rate doubled"),
        (SharedQuotaFinder(10), "about 300 a minute", "the model refused more than usual"),
    ],
)
def test_who_is_refused_says_why_it_slowed_down(
    finder: QuotaFinder | SharedQuotaFinder, begins: str, why: str
) -> None:
    assert finder.snapshot(0.0).belief == begins
    for second in range(4):
        finder.sent(float(second))
        finder.done(second + 0.1, Sample(Outcome.THROTTLED, 0.1))
    assert f"because {why}" in finder.snapshot(4.0).belief
