"""The card's scores as Markdown, for the docs: ``python -m scripts.demo_model.card_table``."""

import sys

from scripts.demo_model.strangers import FAMILIAR
from sightline.vision.card import Card, read_card
from sightline.vision.encoder import PACKAGED_WEIGHTS


def card_table(card: Card) -> str:
    """Two tables and a line: fields, search, and pictures without an asset."""
    lines = [
        "| asset | field | accuracy | majority class | lead (goal: 20) | withheld | answered |",
        "|---|---|---|---|---|---|---|",
    ]
    for entry in card.fields:
        asset = entry.asset_type.removeprefix("ASSET_CLASS_").replace("_", " ").lower()
        lead = 100 * (entry.accuracy - entry.majority)
        lines.append(
            f"| {asset} | `{entry.field}` | {entry.accuracy:.1%} | {entry.majority:.1%} "
            f"| {lead:+.0f} points | {entry.withheld:.1%} | {'yes' if entry.answerable else 'no'} |"
        )
    retrieval = card.scores["retrieval"]
    lines += [
        "",
        (
            f"Precision@5 over {retrieval['queries']} queries of two attributes and "
            f"{retrieval['scenes']:,} scenes: **{retrieval['precision_at_5']:.3f}** (goal: 0.7)."
        ),
        "",
        "| picture without an asset | in training | turned away |",
        "|---|---|---|",
    ]
    for kind, share in card.scores["strangers_withheld"].items():
        met = "yes" if kind in FAMILIAR else "no"
        lines.append(f"| {kind.replace('_', ' ')} | {met} | {share:.0%} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Print the tables of the packaged weights."""
    sys.stdout.write(card_table(read_card(PACKAGED_WEIGHTS)))


if __name__ == "__main__":
    main()
