"""Prices: which one holds on a day, and what a call costs by it."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from sightline.errors import ConfigurationError
from sightline.prices import Price, Tokens, load_prices, price_of
from sightline.settings import load_settings
from sightline.wiring.prices import pricing, run_pricing

FIRST, SECOND = date(2026, 1, 1), date(2026, 7, 1)
TWO = (
    Price("m", FIRST, until=date(2026, 6, 30), input_usd=1.0, output_usd=4.0),
    Price("m", SECOND, input_usd=2.0, output_usd=8.0),
)


@pytest.mark.parametrize(
    ("today", "input_usd"), [(FIRST, 1.0), (date(2026, 6, 30), 1.0), (SECOND, 2.0)]
)
def test_the_newest_price_that_has_begun_holds(today: date, input_usd: float) -> None:
    assert price_of(TWO, "m", today).input_usd == input_usd
    assert price_of(TWO[::-1], "m", today).input_usd == input_usd


@pytest.mark.parametrize(("model", "today"), [("m", date(2025, 12, 31)), ("other", SECOND)])
def test_a_model_without_a_price_is_a_fault_of_the_configuration(model: str, today: date) -> None:
    with pytest.raises(ConfigurationError, match="add a"):
        price_of(TWO, model, today)


def test_a_price_that_was_promised_for_days_gone_by_is_old() -> None:
    assert not TWO[0].is_old(date(2026, 6, 30))
    assert TWO[0].is_old(SECOND)
    assert not TWO[1].is_old(date(2030, 1, 1))


def test_a_million_tokens_cost_their_price_in_micros() -> None:
    usage = TWO[0].of_tokens(Tokens(input=1_000_000, output=500_000), location="global")
    assert (usage.input_tokens, usage.output_tokens) == (1_000_000, 500_000)
    assert usage.cost_usd_micros == 1_000_000 + 2_000_000


def test_cached_and_image_tokens_have_their_own_price() -> None:
    price = Price("m", FIRST, input_usd=1.0, cached_input_usd=0.1, image_input_usd=3.0)
    usage = price.of_tokens(Tokens(input=1000, cached=400, image=200), location="global")
    assert usage.cost_usd_micros == 400 * 1 + 40 + 600


def test_a_location_may_cost_more_than_global() -> None:
    price = Price("m", FIRST, input_usd=1.0, elsewhere=1.1)
    assert price.of_tokens(Tokens(input=1000), location="global").cost_usd_micros == 1000
    assert price.of_tokens(Tokens(input=1000), location="eu").cost_usd_micros == 1100


def test_images_and_characters_are_priced_where_no_tokens_are_counted() -> None:
    price = price_of(load_prices(), "multimodalembedding@001", SECOND)
    assert price.of_image(location="us-central1").cost_usd_micros == 100
    assert price.of_text("x" * 500, location="us-central1").cost_usd_micros == 100


def test_an_own_file_adds_models_and_replaces_prices(tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(
        '[[price]]\nmodel = "gemini-3.5-flash"\nsince = 2026-05-19\ninput_usd = 7\n'
        '[[price]]\nmodel = "tuned"\nsince = 2026-01-01\ninput_usd = 9\n',
        encoding="utf-8",
    )
    prices = load_prices(own)
    assert price_of(prices, "gemini-3.5-flash", SECOND).input_usd == 7
    assert price_of(prices, "tuned", SECOND).input_usd == 9


@pytest.mark.parametrize(
    "entry",
    [
        'model = "m"',
        'model = "m"\nsince = "today"',
        'model = "m"\nsince = 2026-01-01\ninput_usd = -1',
        'model = "m"\nsince = 2026-01-01\nprice = 1',
        'model = "m"\nsince = 2026-01-01T00:00:00Z',
        'model = "m"\nsince = 2026-01-01\nuntil = "then"',
        'model = "m"\nsince = 2026-01-01\ninput_usd = inf',
        'model = "m"\nsince = 2026-01-01\ninput_usd = true',
        "model = ",
    ],
)
def test_a_price_file_that_is_wrong_is_named(entry: str, tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(f"[[price]]\n{entry}\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"prices\.toml"):
        load_prices(own)


@pytest.mark.parametrize("more", ["", "batch = 0.5", "training_usd = 2", 'tuned_from = ""'])
def test_a_price_says_what_a_call_costs_be_it_nothing(more: str, tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    entry = f'[[price]]\nmodel = "m"\nsince = 2026-01-01\n{more}\n'
    own.write_text(entry, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"prices\.toml: .* 'm' .* add input_usd.* free$"):
        load_prices(own)
    own.write_text(f"{entry}usd_an_image = 0\n", encoding="utf-8")
    assert price_of(load_prices(own), "m", SECOND).usd_an_image == 0


@pytest.mark.parametrize("text", ["price = 3", "price = [1]", "[price]\nmodel = 'm'"])
def test_a_file_without_a_list_of_prices_is_named(text: str, tmp_path: Path) -> None:
    own = tmp_path / "prices.toml"
    own.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"prices\.toml: .* \[\[price\]\]"):
        load_prices(own)


def test_a_price_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        load_prices(tmp_path / "none.toml")


def test_a_batch_costs_its_share_but_what_was_cached_is_not_discounted_twice() -> None:
    price = Price(
        "m", FIRST, input_usd=2.0, cached_input_usd=0.2, image_input_usd=3.0, output_usd=8.0,
        usd_an_image=0.1, batch=0.5,
    )  # fmt: skip
    batch_price = price.in_batch()
    assert (batch_price.input_usd, batch_price.image_input_usd, batch_price.output_usd) == (
        1.0,
        1.5,
        4.0,
    )
    assert (batch_price.cached_input_usd, batch_price.usd_an_image, batch_price.batch) == (
        0.2,
        0.05,
        1.0,
    )
    dear = Price("m", FIRST, input_usd=2.0, cached_input_usd=1.9, batch=0.5).in_batch()
    assert dear.cached_input_usd == 1.0, "never dearer than what was not cached"
    assert Price("m", FIRST, input_usd=2.0).in_batch().input_usd == 2.0


@pytest.mark.parametrize(
    ("engine", "answers", "vectors"),
    [("gcp", 1.0, 1.0), ("bigquery", 0.5, 1.0), ("batch", 0.5, 0.5)],
)
def test_runs_of_an_engine_are_counted_at_its_rate(
    engine: str, answers: float, vectors: float, tmp_path: Path
) -> None:
    gemini, embedding = "gemini-3.5-flash", "gemini-embedding-2"
    settings = load_settings(
        environment={},
        overrides={"engine": engine, "models": {"classify": gemini, "embed": embedding}},
        directory=tmp_path,
    )
    for model, share in ((gemini, answers), (embedding, vectors)):
        own, run = pricing(settings).price_of(model), run_pricing(settings).price_of(model)
        assert own is not None
        assert run is not None
        assert run.input_usd == own.input_usd * share
    assert run_pricing(settings).price_of("noop") is None
