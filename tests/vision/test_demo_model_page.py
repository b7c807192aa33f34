"""The page about the demo model says what the card measured, and nothing else."""

from pathlib import Path

import pytest

from scripts.demo_model.card_table import card_table
from sightline.vision.card import read_card
from sightline.vision.encoder import PACKAGED_WEIGHTS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "demo-model.md").read_text(encoding="utf-8")


def test_the_page_shows_the_scores_of_the_card(page: str) -> None:
    assert card_table(read_card(PACKAGED_WEIGHTS)) in page


def test_the_page_names_the_training_command_and_its_duration(page: str) -> None:
    card = read_card(PACKAGED_WEIGHTS)
    assert card.command in page
    assert f"{card.training_minutes:.0f} minutes" in page


def test_the_contact_sheet_is_there_and_small(page: str) -> None:
    assert "images/demo-scenes.jpg" in page
    assert (DOCS / "images" / "demo-scenes.jpg").stat().st_size <= 300_000
