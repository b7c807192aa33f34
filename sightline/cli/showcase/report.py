"""The final summary of the demo."""

from __future__ import annotations

from pathlib import Path

from sightline.cli.output import print_table, say
from sightline.cli.showcase.steps import DemoOutcome
from sightline.cli.views.search import short_uri
from sightline.tasks import answer_text


def report(outcome: DemoOutcome, directory: Path) -> None:
    """Print images, speed, dead letters, accuracy, searches, and the location of the results."""
    dead = ", ".join(f"{name} {count}" for name, count in sorted(outcome.dead_letters.items()))
    say()
    say(
        f"{outcome.images:,} images in {outcome.seconds:.1f} s ({outcome.images_per_s:,.0f}"
        f" images/s): {outcome.answers:,} answers, {outcome.embeddings:,} embeddings"
    )
    say(f"dead letters: {dead or 'none'}")
    balance = outcome.balance
    say(
        f"the account {'balances' if balance.holds else 'DOES NOT balance'}:"
        f" {balance.parts:,} parts, {balance.written:,} written, {balance.dead:,} dead,"
        f" {balance.lost:,} lost"
    )
    say()
    print_table(
        "accuracy against the ground truth",
        ("task", "field", "images", "accuracy", "majority class"),
        [
            (field.task, field.field, field.subjects, field.accuracy, field.majority)
            for field in outcome.scores
        ],
    )
    for text, hits in outcome.searches:
        say()
        print_table(
            f'search "{text}"',
            ("score", "answers", "image"),
            [
                (
                    hit.score,
                    "; ".join(filter(None, map(answer_text, hit.answers.values()))),
                    short_uri(hit.observation.gcs_uri),
                )
                for hit in hits
            ],
        )
    say()
    for line in outcome.whereabouts(directory):
        say(line)
