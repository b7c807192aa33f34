"""Measure the demo model on scenes it never saw: ``python -m scripts.demo_model.evaluate``."""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from scripts.demo_model.captions import Caption, Claim, phrase
from scripts.demo_model.dataset import EVALUATION_SEED, Example, examples, through_jpeg
from scripts.demo_model.strangers import FAMILIAR, UNFAMILIAR, render_stranger
from sightline.vision.encoder import DualEncoder
from sightline.vision.phrases import meanings_of
from sightline.vision.protocol import Vectors, VisionEncoder
from sightline.vision.scenes import ATTRIBUTES, Value
from sightline.vision.zero_shot import CardedEncoder, ZeroShot

#: A field is answered only when it beats the majority class by this share.
ANSWER_MARGIN = 0.20
_BATCH = 64


@dataclass(frozen=True, slots=True)
class EvaluationSample:
    """Pictures as vectors (n, dimension), with the kind of asset and the truth of each."""

    vectors: Vectors
    kinds: list[str]
    truth: list[Mapping[str, Value]]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    type: str
    values: tuple[str, ...]
    description: str = ""


class _Print(Protocol):
    def __call__(self, text: str, /) -> object: ...


def gather(encoder: VisionEncoder, stream: Iterable[Example]) -> EvaluationSample:
    """Encode a stream of examples, a batch at a time."""
    vectors: list[Vectors] = []
    kinds: list[str] = []
    truth: list[Mapping[str, Value]] = []
    waiting: list[Any] = []
    for example in stream:
        waiting.append(example.pixels)
        kinds.append(example.asset_type)
        truth.append(example.truth)
        if len(waiting) == _BATCH:
            vectors.append(encoder.encode_images(waiting))
            waiting = []
    vectors.append(encoder.encode_images(waiting))
    return EvaluationSample(np.concatenate(vectors), kinds, truth)


def measure_fields(encoder: CardedEncoder, sample: EvaluationSample) -> list[dict[str, Any]]:
    """Accuracy of every field that the card answers; a withheld answer counts as wrong."""
    zero_shot = ZeroShot(encoder)
    rows: list[dict[str, Any]] = []
    for entry in encoder.card.fields:
        places = [place for place, kind in enumerate(sample.kinds) if kind == entry.asset_type]
        if not entry.answerable or not places:
            continue
        values = () if entry.is_boolean else (*map(str, entry.values), "unknown")
        field = _Field(entry.field, "boolean" if entry.is_boolean else "enum", values)
        answers = zero_shot.answer([field], sample.vectors[places])
        answered_values = [answer[entry.field] for answer in answers]
        truth = [sample.truth[place][entry.field] for place in places]
        commonest = Counter(truth).most_common(1)[0][1]
        rows.append(
            {
                "asset_type": entry.asset_type,
                "field": entry.field,
                "scenes": len(places),
                "accuracy": sum(g == t for g, t in zip(answered_values, truth, strict=True))
                / len(places),
                "majority": commonest / len(places),
                "withheld": sum(value in (None, "unknown") for value in answered_values)
                / len(places),
            }
        )
    return rows


def two_attribute_queries(seed: int) -> list[Caption]:
    """One query for every pair of values of two fields of one asset type, in random wording."""
    rng = np.random.default_rng(seed)
    queries: list[Caption] = []
    for kind, attributes in ATTRIBUTES.items():
        for (first, values), (second, others) in combinations(attributes.items(), 2):
            for value in values:
                for other in others:
                    meanings = [
                        options[int(rng.integers(len(options)))]
                        for options in (
                            meanings_of(kind, first, value),
                            meanings_of(kind, second, other),
                        )
                    ]
                    claims = (Claim(first, (value,)), Claim(second, (other,)))
                    queries.append(Caption(phrase(kind, meanings, rng), kind, claims))
    return queries


def measure_retrieval(
    encoder: VisionEncoder, sample: EvaluationSample, queries: Sequence[Caption], top: int = 5
) -> dict[str, Any]:
    """Precision at ``top``, averaged over queries; a hit has the kind and both attributes."""
    likeness = encoder.encode_texts([query.text for query in queries]) @ sample.vectors.T
    best = np.argsort(-likeness, axis=1)[:, :top]
    shares = [
        sum(query.is_true_of(sample.kinds[k], sample.truth[k]) for k in row.tolist()) / top
        for query, row in zip(queries, best, strict=True)
    ]
    return {
        "queries": len(queries),
        "scenes": len(sample.kinds),
        f"precision_at_{top}": float(np.mean(shares)),
        "queries_below_0.6": sum(share < 0.6 for share in shares),
        "worst": [queries[k].text for k in np.argsort(shares)[:5].tolist()],
    }


def measure_strangers(encoder: CardedEncoder, count: int = 40) -> dict[str, float]:
    """For each kind of picture without an asset, the share that the gate turns away."""
    zero_shot = ZeroShot(encoder)
    shares: dict[str, float] = {}
    for kind in (*FAMILIAR, *UNFAMILIAR):
        pictures = [
            through_jpeg(render_stranger(kind, EVALUATION_SEED + k), 85) for k in range(count)
        ]
        kinds = zero_shot.asset_types_of(encoder.encode_images(pictures))
        shares[kind] = kinds.count(None) / count
    return shares


def evaluate(
    encoder: DualEncoder, *, scenes: int = 3000, seed: int = EVALUATION_SEED, processes: int = 1
) -> dict[str, Any]:
    """All the scores, on ``scenes`` scenes for the fields and the first 1,000 for retrieval."""
    sample = gather(encoder, examples(scenes, seed=seed, processes=processes))
    first = EvaluationSample(sample.vectors[:1000], sample.kinds[:1000], sample.truth[:1000])
    return {
        "seed": seed,
        "fields": measure_fields(encoder, sample),
        "retrieval": measure_retrieval(encoder, first, two_attribute_queries(seed)),
        "strangers_withheld": measure_strangers(encoder),
    }


def print_table(scores: Mapping[str, Any], out: _Print) -> None:
    """The scores as a table for people."""
    out(f"{'field':42}{'accuracy':>10}{'majority':>10}{'lead':>8}{'withheld':>10}")
    for row in scores["fields"]:
        name = f"{row['asset_type'].removeprefix('ASSET_CLASS_').lower()}.{row['field']}"
        lead = row["accuracy"] - row["majority"]
        out(f"{name:42}{row['accuracy']:>10.3f}{row['majority']:>10.3f}{lead:>+8.3f}"
            f"{row['withheld']:>10.3f}")  # fmt: skip
    retrieval = scores["retrieval"]
    out(
        f"precision@5 over {retrieval['queries']} two-attribute queries and "
        f"{retrieval['scenes']} scenes: {retrieval['precision_at_5']:.3f} "
        f"({retrieval['queries_below_0.6']} queries below 0.6)"
    )
    for kind, share in scores["strangers_withheld"].items():
        note = "" if kind in FAMILIAR else "  (not in training)"
        out(f"no asset, {kind}: {share:.0%} turned away{note}")


def main() -> None:
    """Measure the packaged weights, or those in a folder."""
    parser = argparse.ArgumentParser(description="Measure the demo model on unseen scenes.")
    parser.add_argument("--weights", type=Path, help="a folder of weights (default: packaged)")
    parser.add_argument("--scenes", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=EVALUATION_SEED)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print JSON")
    options = parser.parse_args()
    encoder = DualEncoder.load(options.weights)
    scores = evaluate(
        encoder, scenes=options.scenes, seed=options.seed, processes=options.processes
    )
    if options.json:
        sys.stdout.write(json.dumps(scores, indent=2) + "\n")
    else:
        print_table(scores, lambda text: sys.stdout.write(text + "\n"))


if __name__ == "__main__":
    main()
