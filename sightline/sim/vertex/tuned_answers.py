"""What a tuned model answers here: the base model's answers, with corrections learnt from examples.

A stand-in, and no training of a network. For each field and each value that the base model gives,
it learns what the examples say most often where the base model says that: a base model that takes
one kind of sign for another is put right, one that errs at random is not, and nothing is learnt by
heart about any image. Examples carry no schema, so it learns when it is first asked with one.
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
"""Examples that are learnt from; more would only take longer here."""
LEAST_SUPPORT = 3
"""Examples that must agree before a value is put right."""
_AT_ONCE = 16

Corrections = Mapping[str, Mapping[Hashable, object]]


class TunedModel:
    """A base model, and what was learnt about its mistakes."""

    def __init__(self, base: Answerer, base_model: str, examples: Sequence[TrainingLine]) -> None:
        self.base_model = base_model
        self._base = base
        self._examples = examples[:MOST_EXAMPLES]
        self._learnt: dict[bytes, Corrections] = {}
        self._learning = asyncio.Lock()

    async def generate(self, request: GenerateRequest) -> object:
        """Answer as the base model does, corrected; raises ``CannotAnswerError`` as that does."""
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
            return {}  # of an image that cannot be read nothing is learnt
        return answer if isinstance(answer, Mapping) else {}


def corrections_of(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Corrections:
    """Return, by field and by what the base says, what is right in more than half of the cases."""
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
