"""Writing the card of freshly exported weights: thresholds, cuts, and the scores they reach."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from scripts.demo_model.captions import NO_ASSET
from scripts.demo_model.dataset import CALIBRATION_SEED, examples
from scripts.demo_model.evaluate import ANSWER_MARGIN, EvaluationSample, evaluate, gather
from sightline.vision.card import CARD, WEIGHTS, Card, FieldCard
from sightline.vision.encoder import DualEncoder
from sightline.vision.protocol import Vectors
from sightline.vision.scenes import ASSET_TYPES, ATTRIBUTES
from sightline.vision.text_input import Vocabulary
from sightline.vision.zero_shot import kind_margins, kind_vectors, prompt_vectors

CALIBRATION_SCENES = 3000
#: Share of answers about known scenes that a cut, or the gate, may withhold.
WITHHELD_SHARE = 0.01


def write_card(
    folder: Path,
    vocabulary: Vocabulary,
    *,
    dimension: int,
    seed: int,
    command: str,
    date: str,
    training_minutes: float,
    processes: int = 1,
) -> Card:
    """Calibrate and measure the weights in a folder, and write their card beside them."""
    card = Card(
        name="demo",
        version="1",
        dimension=dimension,
        seed=seed,
        command=command,
        date=date,
        training_minutes=training_minutes,
        vocabulary=vocabulary.words,
        sha256={name: sha256_of(folder / name) for name in WEIGHTS},
    )
    save(card, folder)
    encoder = DualEncoder.load(folder)
    sample = gather(
        encoder,
        examples(
            CALIBRATION_SCENES, seed=CALIBRATION_SEED, strangers_share=0.1, processes=processes
        ),
    )
    card = calibrated(card, encoder, sample)
    save(card, folder)
    scores = evaluate(DualEncoder.load(folder), processes=processes)
    measured = {(f["asset_type"], f["field"]): f for f in scores.pop("fields")}
    fields = tuple(
        replace(
            entry,
            answerable=row["accuracy"] - row["majority"] >= ANSWER_MARGIN,
            **{key: round(row[key], 4) for key in ("accuracy", "majority", "withheld")},
        )
        for entry in card.fields
        for row in [measured[entry.asset_type, entry.field]]
    )
    card = replace(card, fields=fields, scores=scores)
    save(card, folder)
    return card


def save(card: Card, folder: Path) -> None:
    """Write ``card.json`` into a folder of weights."""
    text = json.dumps(asdict(card), indent=1, ensure_ascii=False)
    (folder / CARD).write_text(text + "\n", encoding="utf-8")


def sha256_of(file: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def calibrated(card: Card, encoder: DualEncoder, sample: EvaluationSample) -> Card:
    """The card with gate, thresholds and cuts fitted to a sample that was not trained on.

    Every field starts out answerable, so that it can be measured.
    """
    kinds = np.array([ASSET_TYPES.index(k) if k != NO_ASSET else -1 for k in sample.kinds])
    margins = kind_margins(kind_vectors(encoder), sample.vectors)
    known = kinds >= 0
    own = margins[known, kinds[known]]
    gate = float(np.quantile(own, WITHHELD_SHARE))
    if (~known).any():
        gate = min(gate, _split(margins.max(axis=1), known))
    fields = []
    for kind, attributes in ATTRIBUTES.items():
        rows = [row for row, name in enumerate(sample.kinds) if name == kind]
        for field, values in attributes.items():
            entry = FieldCard(kind, field, values, answerable=True)
            truth = np.array([values.index(sample.truth[row][field]) for row in rows])
            likeness = sample.vectors[rows] @ prompt_vectors(encoder, entry).T
            fields.append(_fitted(entry, likeness, truth))
    return replace(card, gate=round(gate, 4), fields=tuple(fields))


def _fitted(entry: FieldCard, likeness: NDArray[np.float32], truth: NDArray[np.int64]) -> FieldCard:
    if entry.is_boolean:
        place = entry.values.index(True)
        lead = likeness[:, place] - likeness[:, 1 - place]
        threshold = _split(lead, truth == place)
        cut = float(np.quantile(np.abs(lead - threshold), WITHHELD_SHARE))
        return replace(entry, threshold=round(threshold, 4), cut=round(cut, 4))
    order = np.sort(likeness, axis=1)
    cut = float(np.quantile(order[:, -1] - order[:, -2], WITHHELD_SHARE))
    return replace(entry, cut=round(cut, 4))


def _split(lead: Vectors, truth: NDArray[np.bool_] | Sequence[bool]) -> float:
    """The threshold on ``lead`` that tells true from false with the best balanced accuracy."""
    order = np.argsort(lead)
    level, hit = lead[order], np.asarray(truth)[order]
    positives, negatives = max(1, int(hit.sum())), max(1, int((~hit).sum()))
    below = np.cumsum(~hit) / negatives
    above = 1 - np.cumsum(hit) / positives
    best = int(np.argmax(below + above))
    upper = level[min(best + 1, len(level) - 1)]
    return float((level[best] + upper) / 2)
