"""Every fault of the simulator through the real adapters: the error, its reason, one call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from sightline.errors import (
    ConfigurationError,
    PermanentError,
    Reason,
    SightlineError,
    ThrottledError,
    TransientError,
    UnreachableError,
)
from sightline.gcp.credentials import GoogleTokens
from sightline.gcp.embedding import GoogleEmbedder
from sightline.gcp.gemini import GeminiClassifier
from sightline.gcp.vertex_location import VertexLocation
from sightline.prices import load_prices
from sightline.sim.vertex import ANY_MODEL, Behaviour, Fault, FaultMix, Schedule
from sightline.sim.vertex.faults import ANSWERED_WITH_200, THROTTLES
from sightline.sim.vertex.server import VertexSimulator
from sightline.tasks import TaskSpec
from tests.gcp.conftest import DAY, GEMINI, TOKEN, seen

EXPECTED: dict[Fault, type[SightlineError] | Reason] = {
    Fault.THROTTLED: ThrottledError,
    Fault.THROTTLED_RETRY_AFTER: ThrottledError,
    Fault.THROTTLED_RETRY_INFO: ThrottledError,
    Fault.INTERNAL: TransientError,
    Fault.UNAVAILABLE: TransientError,
    Fault.DEADLINE: TransientError,
    Fault.CANCELLED: TransientError,
    Fault.HANG: UnreachableError,
    Fault.RESET: TransientError,
    Fault.HALF_BODY: TransientError,
    Fault.MAX_TOKENS: Reason.ANSWER_TRUNCATED,
    Fault.SAFETY: Reason.BLOCKED_BY_SAFETY,
    Fault.RECITATION: Reason.RECITATION,
    Fault.NO_CANDIDATES: Reason.ANSWER_INVALID,  # it was paid for
    Fault.PROMPT_BLOCKED: Reason.BLOCKED_BY_SAFETY,
    Fault.IMAGE_UNREADABLE: Reason.IMAGE_UNREADABLE,
    Fault.IMAGE_TOO_LARGE: Reason.IMAGE_TOO_LARGE,
    Fault.INVALID_ARGUMENT: Reason.MODEL_REJECTED_REQUEST,
    Fault.UNAUTHENTICATED: ConfigurationError,
    Fault.IMAGE_FORBIDDEN: Reason.PERMISSION_DENIED,
    Fault.CALLER_FORBIDDEN: ConfigurationError,
    Fault.IMAGE_GONE: Reason.IMAGE_GONE,
    Fault.MODEL_CLOSED: ConfigurationError,
}
ANSWERING = [fault for fault in Fault if fault is not Fault.HANG]
"""All but the one that needs a client which does not wait long."""


async def error_of(call: Callable[[], Awaitable[object]]) -> SightlineError:
    with pytest.raises(SightlineError) as caught:
        await call()
    return caught.value


def check(error: SightlineError, fault: Fault) -> None:
    expected = EXPECTED[fault]
    if isinstance(expected, Reason):
        assert isinstance(error, PermanentError)
        assert error.reason is expected
    else:
        assert type(error) is expected
    assert TOKEN not in str(error)
    assert "\n" not in str(error)


def test_every_fault_has_an_expectation() -> None:
    assert set(EXPECTED) == set(Fault)


@pytest.mark.parametrize("fault", ANSWERING)
async def test_a_fault_of_gemini_becomes_its_own_error(
    fault: Fault, simulator: VertexSimulator, classifier: GeminiClassifier, task: TaskSpec
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({fault: 1.0})))
    check(await error_of(lambda: classifier.classify(task, [seen()], run_id="r1")), fault)
    assert simulator.counters.received == {"generateContent": 1}, "a hidden retry"
    assert simulator.counters.faults == {fault: 1}


@pytest.mark.parametrize("fault", [fault for fault in ANSWERING if fault not in ANSWERED_WITH_200])
async def test_a_fault_of_an_embedding_model_becomes_its_own_error(
    fault: Fault, simulator: VertexSimulator, embedder: GoogleEmbedder
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({fault: 1.0})))
    check(await error_of(lambda: embedder.embed_image(seen(), run_id="r1")), fault)
    assert sum(simulator.counters.received.values()) == 1, "a hidden retry"


async def test_a_model_that_hangs_is_a_transient_error_after_the_timeout(
    simulator: VertexSimulator, task: TaskSpec
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({Fault.HANG: 1.0})))
    place = VertexLocation("p", "global", simulator.base_url)
    tokens, prices = GoogleTokens.fixed(TOKEN), load_prices()
    async with (
        GeminiClassifier.open(
            model=GEMINI, place=place, tokens=tokens, prices=prices, today=lambda: DAY,
            timeout_s=0.05,
        ) as classifier,
        GoogleEmbedder.open(
            model="gemini-embedding-2", dimension=128, place=place, tokens=tokens, prices=prices,
            today=lambda: DAY, timeout_s=0.05,
        ) as embedder,
    ):  # fmt: skip
        check(await error_of(lambda: classifier.classify(task, [seen()], run_id="r")), Fault.HANG)
        check(await error_of(lambda: embedder.embed_image(seen(), run_id="r")), Fault.HANG)


async def test_an_unreachable_endpoint_is_a_transient_error(task: TaskSpec) -> None:
    async with VertexSimulator() as gone:
        place = VertexLocation("p", "global", gone.base_url)
    async with GeminiClassifier.open(
        model=GEMINI, place=place, tokens=GoogleTokens.fixed(TOKEN), prices=load_prices(),
        today=lambda: DAY, timeout_s=5.0,
    ) as classifier:  # fmt: skip
        error = await error_of(lambda: classifier.classify(task, [seen()], run_id="r"))
    assert isinstance(error, TransientError)


@pytest.mark.parametrize(
    ("fault", "retry_after_s"),
    [
        (Fault.THROTTLED, None),
        (Fault.THROTTLED_RETRY_AFTER, 3.0),  # whole seconds, rounded up
        (Fault.THROTTLED_RETRY_INFO, 2.5),
    ],
)
async def test_a_throttle_has_the_retry_delay_that_the_server_sent(
    fault: Fault,
    retry_after_s: float | None,
    simulator: VertexSimulator,
    classifier: GeminiClassifier,
    embedder: GoogleEmbedder,
    task: TaskSpec,
) -> None:
    simulator.behave(Behaviour(faults=FaultMix({fault: 1.0}, retry_delay_s=2.5)))
    for error in (
        await error_of(lambda: classifier.classify(task, [seen()], run_id="r")),
        await error_of(lambda: embedder.embed_image(seen(), run_id="r")),
        await error_of(lambda: embedder.embed_text("a pole")),
    ):
        assert isinstance(error, ThrottledError)
        assert error.retry_after_s == retry_after_s


@pytest.mark.parametrize("refusal", sorted(THROTTLES))
async def test_a_call_over_the_quota_is_a_throttle(
    refusal: Fault, simulator: VertexSimulator, classifier: GeminiClassifier, task: TaskSpec
) -> None:
    # One call and then no more for 1,000 s: the bucket holds one call at least.
    simulator.behave(Behaviour({ANY_MODEL: Schedule.constant(0.001)}, refusal=refusal))
    await classifier.classify(task, [seen()], run_id="r")
    error = await error_of(lambda: classifier.classify(task, [seen()], run_id="r"))
    assert isinstance(error, ThrottledError)
    assert (error.retry_after_s is None) is (refusal is Fault.THROTTLED)
    assert error.retry_after_s is None or 900 < error.retry_after_s <= 1000
