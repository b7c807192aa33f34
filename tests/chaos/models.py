"""The models of the rounds: one simulator for all, and what it says of each call."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts.stack import run_simulator
from sightline.sim.vertex.faults import ANSWERED_WITH_200
from tests.chaos.plan import DEADLY_FAULTS
from tests.waiting import GIVE_UP_S

ANSWER, EMBEDDING = "generateContent", "embedContent"
SETTLING = frozenset({"answered", *DEADLY_FAULTS})
"""The outcomes after which a part is not asked for again."""

UNANSWERED = "unanswered"


@dataclass(frozen=True, slots=True)
class ModelCall:
    """One call that a model got, in seconds of the monotonic clock, which all processes share."""

    method: str
    image: str
    began_s: float
    ended_s: float
    outcome: str

    @property
    def about(self) -> tuple[str, str]:
        """What it was about: a method and an image, which together are one part."""
        return self.method, self.image

    @property
    def paid(self) -> bool:
        """Whether it was answered, or would have been had the client not left."""
        return self.outcome in SETTLING or self.outcome == UNANSWERED

    @property
    def charged(self) -> bool:
        """Whether it costs something: errors do not, answers do that cannot be used."""
        return self.outcome in {"answered", UNANSWERED, *map(str, ANSWERED_WITH_200)}


class Simulator:
    """The control API of a running simulator."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=GIVE_UP_S)

    def close(self) -> None:
        """Hang up."""
        self._connection.close()

    def _ask(self, method: str, topic: str, value: object = None) -> Any:
        body = None if value is None else json.dumps(value)
        try:
            return self._ask_once(method, topic, body)
        except (OSError, http.client.HTTPException):
            self._connection.close()  # the next request opens another; asking twice is safe
            return self._ask_once(method, topic, body)

    def _ask_once(self, method: str, topic: str, body: str | None) -> Any:
        self._connection.request(method, f"/control/{topic}", body)
        answer = self._connection.getresponse()
        report = json.loads(answer.read())
        assert answer.status == 200, report
        return report

    def begin(self, *, latency_s: float, faults: Mapping[str, float]) -> None:
        """Forget the calls so far, and behave as a round wants it."""
        self.set_faults(faults)
        self._ask("PUT", "latency", {"median_s": latency_s})
        self._ask("PUT", "calls", {"kept": True})
        self._ask("DELETE", "calls")
        self._ask("DELETE", "counters")

    def set_faults(self, shares: Mapping[str, float]) -> None:
        """Let each kind of fault have its share of the calls from now on."""
        self._ask("PUT", "faults", {"shares": dict(shares), "retry_delay_s": 0.1})

    def settled(self) -> int:
        """Count the calls that settled a part, some of them perhaps twice."""
        counters = self._ask("GET", "counters")
        answered: int = sum(counters["answered"].values())
        dead: int = sum(counters["faults"].get(kind, 0) for kind in DEADLY_FAULTS)
        return answered + dead

    def in_flight(self) -> int:
        """Count the calls that are under way."""
        return int(self._ask("GET", "counters")["in_flight"])

    def calls(self) -> list[ModelCall]:
        """Return every call of the round; none may be under way."""
        return [
            ModelCall(
                call["method"], call["image"], call["began_s"], call["ended_s"], call["outcome"]
            )
            for call in self._ask("GET", "calls")["calls"]
        ]

    def counted(self) -> dict[str, Any]:
        """Return the counters."""
        counters: dict[str, Any] = self._ask("GET", "counters")
        return counters


@contextmanager
def open_models_server(log: Path) -> Iterator[Simulator]:
    """Run a simulator that makes answers up, in a process of its own."""
    options = ["--answers", "instant"]
    with run_simulator(log, options) as url, closing(Simulator(url)) as simulator:
        yield simulator
