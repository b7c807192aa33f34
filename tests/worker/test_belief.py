"""What a limiter believes, in words."""

from __future__ import annotations

import pytest

from worker.limiting import Outcome, QuotaFinder, Sample
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
    ],
)
def test_a_belief_is_told_in_words(belief: Belief, words: str) -> None:
    assert belief.in_words() == words


def test_who_is_refused_says_why_it_slowed_down() -> None:
    finder = QuotaFinder(10)
    assert finder.snapshot(0.0).belief == "about 60 a minute"
    for second in range(4):
        finder.sent(float(second))
        finder.done(second + 0.1, Sample(Outcome.THROTTLED, 0.1))
    assert "because the model refused calls while the rate doubled" in finder.snapshot(4.0).belief
