"""Train the demo model on rendered scenes and export it.

Needs the ``train`` dependency group: ``uv run --group train python -m scripts.demo_model.train``.
"""

import argparse
import datetime as dt
import pickle
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from scripts.demo_model import calibrate
from scripts.demo_model.captions import (
    NO_ASSET,
    Caption,
    attribute_vector,
    caption_words,
    claim_masks,
    phrase,
    random_caption,
    slots,
    value_caption,
)
from scripts.demo_model.dataset import examples
from scripts.demo_model.network import ImageTower, TextTower
from sightline.vision.encoder import PACKAGED_WEIGHTS
from sightline.vision.phrases import NOTHING
from sightline.vision.scenes import ASSET_TYPES, ATTRIBUTES
from sightline.vision.text_input import Vocabulary

STRANGERS_SHARE = 0.1


@dataclass
class Scenes:
    """Rendered scenes in memory: bytes (n, 120, 160, 3), truth, and attribute vectors."""

    pixels: np.ndarray
    truth: list[tuple[str, dict[str, Any]]]
    vectors: torch.Tensor


def load_scenes(cache: Path, name: str, count: int, seed: int, processes: int) -> Scenes:
    """Render scenes once and keep them in a folder for the next time."""
    pictures, table = cache / f"{name}-{count}-{seed}.npy", cache / f"{name}-{count}-{seed}.pkl"
    if not table.exists():
        cache.mkdir(parents=True, exist_ok=True)
        pixels = np.lib.format.open_memmap(pictures, "w+", np.uint8, (count, 120, 160, 3))
        truth = []
        stream = examples(count, seed=seed, strangers_share=STRANGERS_SHARE, processes=processes)
        for index, example in enumerate(stream):
            pixels[index] = example.pixels
            truth.append((example.asset_type, dict(example.truth)))
        pixels.flush()
        table.write_bytes(pickle.dumps(truth))
    truth = pickle.loads(table.read_bytes())
    vectors = torch.tensor(np.stack([attribute_vector(kind, facts) for kind, facts in truth]))
    return Scenes(np.load(pictures, mmap_mode="r"), truth, vectors)


@dataclass(frozen=True)
class Group:
    """Prompts for the values of one field: columns of the text batch, and their slots."""

    columns: list[int]
    slots: list[int]


def prompt_captions(rng: np.random.Generator) -> tuple[list[Caption], list[Group]]:
    """One prompt for every value of every field, in new words each time."""
    captions = [Caption(phrase(kind, (), rng), kind) for kind in ASSET_TYPES]
    captions.append(Caption(str(rng.choice(NOTHING)), NO_ASSET))
    places = slots()
    kinds = [*ASSET_TYPES, NO_ASSET]
    groups = [Group(list(range(4)), [places[kind, "", ""] for kind in kinds])]
    for kind in ASSET_TYPES:
        for field, values in ATTRIBUTES[kind].items():
            start = len(captions)
            captions += [value_caption(kind, field, value, rng) for value in values]
            groups.append(
                Group(
                    list(range(start, len(captions))),
                    [places[kind, field, value] for value in values],
                )
            )
    return captions, groups


_MASKS: dict[tuple[Any, ...], np.ndarray] = {}


def masks_of(caption: Caption) -> np.ndarray:
    """``claim_masks``, remembered."""
    key = (caption.asset_type, caption.claims)
    if key not in _MASKS:
        _MASKS[key] = claim_masks(caption)
    return _MASKS[key]


def matches(vectors: torch.Tensor, captions: list[Caption]) -> torch.Tensor:
    """Which caption is true of which picture: (pictures, captions), zeros and ones."""
    masks = torch.tensor(np.stack([masks_of(caption) for caption in captions]))
    met = torch.einsum("cks,ps->pck", masks, vectors) > 0
    return met.all(dim=2).float()


def augment(pixels: np.ndarray, rng: np.random.Generator) -> torch.Tensor:
    """Shift and relight pictures a little; never turn them, since lean is an answer."""
    padded = np.pad(pixels, ((0, 0), (8, 8), (12, 12), (0, 0)), mode="edge")
    tops, lefts = rng.integers(0, 17, len(pixels)), rng.integers(0, 25, len(pixels))
    moved = np.stack(
        [
            picture[top : top + 120, left : left + 160]
            for picture, top, left in zip(padded, tops, lefts, strict=True)
        ]
    )
    x = torch.from_numpy(moved).to(torch.float32)
    count = len(x)
    gain = 1 + (torch.rand(count, 1, 1, 3) - 0.5) * 0.12 + (torch.rand(count, 1, 1, 1) - 0.5) * 0.2
    return x.mul_(gain).add_((torch.rand(count, 1, 1, 1) - 0.5) * 16)


def loss_of(
    logits: torch.Tensor,
    scale: torch.Tensor,
    bias: torch.Tensor,
    truth: torch.Tensor,
    vectors: torch.Tensor,
    groups: list[Group],
) -> torch.Tensor:
    """Contrastive loss: sigmoid on every pair, softmax over pictures, softmax over values."""
    pairs = functional.binary_cross_entropy_with_logits(logits * scale + bias, truth)
    columns = truth.sum(dim=0) > 0
    share = truth / truth.sum(dim=0).clamp(min=1)
    over_pictures = -(share * functional.log_softmax(logits * scale, dim=0)).sum(dim=0)
    over_pictures = over_pictures[columns].mean()
    over_values = over_fields(
        [logits[:, group.columns] * scale for group in groups], vectors, groups
    )
    return 4 * pairs + 0.5 * over_pictures + 2 * over_values


def over_fields(
    scores: list[torch.Tensor], vectors: torch.Tensor, groups: list[Group]
) -> torch.Tensor:
    """Cross-entropy over the values of each field, averaged over the fields that apply."""
    losses = []
    for group, score in zip(groups, scores, strict=True):
        target = vectors[:, group.slots]
        rows = target.sum(dim=1) > 0
        if rows.any():
            chances = functional.log_softmax(score[rows], dim=1)
            losses.append(-(chances * target[rows]).sum(dim=1).mean())
    return torch.stack(losses).mean()


def train(
    scenes: Scenes, vocabulary: Vocabulary, options: argparse.Namespace
) -> tuple[ImageTower, TextTower]:
    """Train both towers; returns them in evaluation mode."""
    rng = np.random.default_rng(options.seed)
    torch.manual_seed(options.seed)
    image = ImageTower(options.dimension).to(memory_format=torch.channels_last)
    text = TextTower(len(vocabulary), options.dimension)
    scale = torch.nn.Parameter(torch.tensor(3.2))
    bias = torch.nn.Parameter(torch.tensor(-6.0))
    guide = torch.nn.Linear(256, len(slots()))  # only speeds up the start; thrown away
    everything = [*guide.parameters(), *image.parameters(), *text.parameters(), scale, bias]
    steps = options.epochs * (len(scenes.pixels) // options.batch)
    optimizer = torch.optim.AdamW(everything, lr=options.rate, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.rate, total_steps=steps + 1, pct_start=0.1
    )
    begun, step = time.monotonic(), 0
    for epoch in range(options.epochs):
        order, total = rng.permutation(len(scenes.pixels)), 0.0
        for start in range(0, len(order) - options.batch + 1, options.batch):
            rows = np.sort(order[start : start + options.batch])
            pixels = augment(scenes.pixels[rows], rng)
            captions, groups = prompt_captions(rng)
            captions += [random_caption(*scenes.truth[int(row)], rng) for row in rows]
            vectors = scenes.vectors[rows]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                pooled = image.pool(pixels)
                pictures = image.place(pooled)
                guesses = guide(pooled).float()
            texts = text(torch.from_numpy(vocabulary.encode([c.text for c in captions])))
            loss = loss_of(
                pictures.float() @ texts.T, scale.exp().clamp(max=60), bias,
                matches(vectors, captions), vectors, groups,
            )  # fmt: skip
            loss = loss + over_fields([guesses[:, g.slots] for g in groups], vectors, groups)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(everything, 2.0)
            optimizer.step()
            schedule.step()
            total, step = total + loss.item(), step + 1
        mean = total / (len(order) // options.batch)
        print(f"epoch {epoch + 1}/{options.epochs}  loss {mean:.4f}  scale {scale.exp():.1f}  "
              f"{time.monotonic() - begun:.0f} s", flush=True)  # fmt: skip
    return image.eval(), text.eval()


def export(image: ImageTower, text: TextTower, folder: Path) -> None:
    """Write ``image.onnx`` and ``text.onnx``."""
    folder.mkdir(parents=True, exist_ok=True)
    image.to(memory_format=torch.contiguous_format)
    pixels = torch.zeros(2, 120, 160, 3, dtype=torch.uint8)
    torch.onnx.export(
        image, (pixels,), str(folder / "image.onnx"), dynamo=False, input_names=["pixels"],
        output_names=["embedding"], dynamic_axes={"pixels": {0: "n"}, "embedding": {0: "n"}},
    )  # fmt: skip
    words = torch.ones(2, 5, dtype=torch.int64)
    torch.onnx.export(
        text, (words,), str(folder / "text.onnx"), dynamo=False, input_names=["words"],
        output_names=["embedding"],
        dynamic_axes={"words": {0: "n", 1: "length"}, "embedding": {0: "n"}},
    )  # fmt: skip


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scenes", type=int, default=36_000)
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--batch", type=int, default=192)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cache", type=Path, default=Path(".cache/demo-model"))
    parser.add_argument("--output", type=Path, default=PACKAGED_WEIGHTS)
    return parser.parse_args()


def main() -> None:
    """Render, train, export, calibrate."""
    options = parse()
    torch.set_num_threads(options.threads)
    scenes = load_scenes(options.cache, "train", options.scenes, 0, options.threads)
    vocabulary = Vocabulary(caption_words())
    begun = time.monotonic()
    image, text = train(scenes, vocabulary, options)
    minutes = (time.monotonic() - begun) / 60
    export(image, text, options.output)
    flags = ("seed", "scenes", "epochs", "batch", "rate", "dimension")
    command = " ".join(f"--{flag} {getattr(options, flag)}" for flag in flags)
    calibrate.write_card(
        options.output,
        vocabulary,
        dimension=options.dimension,
        seed=options.seed,
        command=f"python -m scripts.demo_model.train {command}",
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        training_minutes=round(minutes, 1),
        processes=options.threads,
    )


if __name__ == "__main__":
    main()
