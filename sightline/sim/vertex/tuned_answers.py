"""Simulates a tuned model: the base model's answers, with corrections learnt from examples.

No network is trained. For each field and each value that the base model returns, it learns the most
frequent value in the examples for which the base model returns that value. It thereby corrects a
base model that confuses one kind of sign with another, but not random errors, and memorises nothing
about single images. Examples have no schema, so it learns on the first request with one.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import orjson

from sightline.sim.vertex.answers import Answerer, CannotAnswerError
from sightline.sim.vertex.requests import GenerateRequest
from sightline.sim.vertex.tuning_files import TrainingLine, fields_of_answer

MOST_EXAMPLES = 2_000
"""The examples that are learnt from; more would only take longer."""
LEAST_SUPPORT = 3
"""The number of examples that must agree before a value is corrected."""
_AT_ONCE = 16

Corrections = Mapping[str, Mapping[Hashable, object]]


class TunedModel:
    """A base model with learnt corrections."""

    def __init__(self, base: Answerer, base_model: str, examples: Sequence[TrainingLine]) -> None:
        self.base_model = base_model
        self._base = base
        self._examples = examples[:MOST_EXAMPLES]
        self._learnt: dict[bytes, Corrections] = {}
        self._learning = asyncio.Lock()

    async def generate(self, request: GenerateRequest) -> object:
        """Return the base model's answer with corrections; raises as the base model does."""
        answer = await self._base.generate(self.base_model, request)
        if request.schema is None or not isinstance(answer, Mapping):
            return answer
        corrections = await self._corrections(request)
        return {
            name: corrections.get(name, {}).get(value, value)
            if isinstance(value, Hashable)
            else value
            for name, value in answer.items()
        }

    async def _corrections(self, request: GenerateRequest) -> Corrections:
        key = orjson.dumps(request.schema, option=orjson.OPT_SORT_KEYS)
        async with self._learning:
            if key not in self._learnt:
                self._learnt[key] = await self._learn(request)
            return self._learnt[key]

    async def _learn(self, request: GenerateRequest) -> Corrections:
        pairs: list[tuple[Mapping[str, Any], Mapping[str, Any]]] = []
        for start in range(0, len(self._examples), _AT_ONCE):
            some = self._examples[start : start + _AT_ONCE]
            answers = await asyncio.gather(*(self._said(request, example) for example in some))
            pairs += [(a, fields_of_answer(b)) for a, b in zip(answers, some, strict=True)]
        return corrections_of(pairs)

    async def _said(self, request: GenerateRequest, example: TrainingLine) -> Mapping[str, Any]:
        question = replace(request, images=example.images, text=example.prompt)
        try:
            answer = await self._base.generate(self.base_model, question)
        except CannotAnswerError:
            return {}  # an unreadable image teaches nothing
        return answer if isinstance(answer, Mapping) else {}


def corrections_of(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Corrections:
    """Return, by field and base value, the value that is right in more than half of the cases."""
    seen: dict[tuple[str, Hashable], Counter[Hashable]] = defaultdict(Counter)
    for answered, right in pairs:
        for name, value in answered.items():
            if name in right and isinstance(value, Hashable) and isinstance(right[name], Hashable):
                seen[name, value][right[name]] += 1
    corrections: dict[str, dict[Hashable, object]] = defaultdict(dict)
    for (name, value), counts in seen.items():
        best, support = counts.most_common(1)[0]
        if support >= LEAST_SUPPORT and 2 * support > counts.total():
            corrections[name][value] = best
    return corrections
