"""Builds the responses of the three methods, in the JSON form of Google's API reference."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from sightline.sim.vertex.faults import Fault
from sightline.sim.vertex.requests import Embed, GenerateRequest

TOKENS_PER_EMBEDDED_IMAGE = 258
_HARMS = ("HATE_SPEECH", "DANGEROUS_CONTENT", "HARASSMENT", "SEXUALLY_EXPLICIT")


@dataclass(frozen=True, slots=True)
class Generated:
    """A response and its usage."""

    body: dict[str, Any]
    input_tokens: int
    output_tokens: int


def count_tokens(text: str) -> int:
    """Return the approximate number of tokens in a text: one for four bytes, at least one."""
    return max(1, len(text.encode()) // 4)


def generated(
    model: str,
    request: GenerateRequest,
    answer: object,
    fault: Fault | None,
    *,
    created: str,
    call: int,
) -> Generated:
    """Return the response to a ``generateContent`` request, possibly with a fault inside."""
    text = answer if isinstance(answer, str) else orjson.dumps(answer).decode()
    most = request.max_output_tokens
    if fault is None and most is not None and count_tokens(text) > most:
        fault = Fault.MAX_TOKENS
        text = text.encode()[: most * 4].decode(errors="ignore")
    elif fault is Fault.MAX_TOKENS:
        text = text[: len(text) // 2]
    candidate, output = _candidate(text, fault)
    usage = _usage(request, output)
    body: dict[str, Any] = {} if candidate is None else {"candidates": [candidate]}
    if fault is Fault.PROMPT_BLOCKED:
        body["promptFeedback"] = {
            "blockReason": "PROHIBITED_CONTENT",
            "blockReasonMessage": "The prompt is blocked due to prohibited contents.",
        }
    body |= {
        "usageMetadata": usage,
        "modelVersion": model,
        "createTime": created,
        "responseId": hashlib.sha256(f"{created}{call}".encode()).hexdigest()[:22],
    }
    return Generated(body, usage["promptTokenCount"], output)


def _candidate(text: str, fault: Fault | None) -> tuple[dict[str, Any] | None, int]:
    """Return the candidate, if any, and its number of tokens."""
    match fault:
        case Fault.NO_CANDIDATES | Fault.PROMPT_BLOCKED:
            return None, 0
        case Fault.SAFETY:
            ratings = [
                {
                    "category": f"HARM_CATEGORY_{harm}",
                    "probability": "HIGH" if harm == "DANGEROUS_CONTENT" else "NEGLIGIBLE",
                    "probabilityScore": 0.91 if harm == "DANGEROUS_CONTENT" else 0.01,
                    "severity": "HARM_SEVERITY_HIGH"
                    if harm == "DANGEROUS_CONTENT"
                    else "HARM_SEVERITY_NEGLIGIBLE",
                    "severityScore": 0.62 if harm == "DANGEROUS_CONTENT" else 0.02,
                    **({"blocked": True} if harm == "DANGEROUS_CONTENT" else {}),
                }
                for harm in _HARMS
            ]
            return {"finishReason": "SAFETY", "safetyRatings": ratings, "index": 0}, 0
        case Fault.RECITATION:
            cited = {"startIndex": 0, "endIndex": 128, "uri": "https://example.com/quoted"}
            return {
                "finishReason": "RECITATION",
                "citationMetadata": {"citations": [cited]},
                "index": 0,
            }, 0
        case _:
            reason = "MAX_TOKENS" if fault is Fault.MAX_TOKENS else "STOP"
            output = count_tokens(text)
            return {
                "content": {"role": "model", "parts": [{"text": text}]},
                "finishReason": reason,
                "avgLogprobs": -0.05,
                "index": 0,
            }, output


def _usage(request: GenerateRequest, output: int) -> dict[str, Any]:
    words = count_tokens(request.text)
    seen = request.tokens_per_image * len(request.images)
    details = [{"modality": "TEXT", "tokenCount": words}]
    if seen:
        details.append({"modality": "IMAGE", "tokenCount": seen})
    usage: dict[str, Any] = {
        "promptTokenCount": words + seen,
        "totalTokenCount": words + seen + output,
        "trafficType": "ON_DEMAND",
        "promptTokensDetails": details,
    }
    if output:
        usage["candidatesTokenCount"] = output
        usage["candidatesTokensDetails"] = [{"modality": "TEXT", "tokenCount": output}]
    return usage


def embedded(request: Embed, vector: Sequence[float]) -> Generated:
    """Return the response to an ``embedContent`` request."""
    seen = TOKENS_PER_EMBEDDED_IMAGE * len(request.images)
    words = count_tokens(request.text) if request.text else 0
    details = [
        {"modality": name, "tokenCount": count}
        for name, count in (("TEXT", words), ("IMAGE", seen))
        if count
    ]
    usage = {
        "promptTokenCount": seen + words,
        "totalTokenCount": seen + words,
        "promptTokensDetails": details,
    }
    body = {"embedding": {"values": list(vector)}, "usageMetadata": usage, "truncated": False}
    return Generated(body, seen + words, 0)


def predicted(
    resource: str, image: Sequence[float] | None, text: Sequence[float] | None
) -> Generated:
    """Return the response to a ``predict`` request of ``multimodalembedding@001``."""
    vectors = {"imageEmbedding": image, "textEmbedding": text}
    prediction = {name: list(vector) for name, vector in vectors.items() if vector is not None}
    body = {
        "predictions": [prediction],
        "deployedModelId": "1234567890123456789",
        "model": resource,
        "modelDisplayName": resource.rsplit("/", 1)[-1],
    }
    return Generated(body, 0, 0)
