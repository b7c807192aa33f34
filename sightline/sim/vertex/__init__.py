"""Simulates the REST APIs of Vertex AI and the Gemini API, with quotas, latencies and faults.

The server is ``sightline.sim.vertex.server.VertexSimulator``; ``sightline simulate vertex`` runs
it. This package exports its logic without a server: pure, with time and randomness passed in, so
that a limiter can be tested against the same quota without a network.
"""

from sightline.sim.vertex.faults import Fault, FaultMix, Verb
from sightline.sim.vertex.latency import Latency
from sightline.sim.vertex.quota import Quota, RateStep, Schedule
from sightline.sim.vertex.service import ANY_MODEL, Behaviour, Decision, Service

__all__ = [
    "ANY_MODEL",
    "Behaviour",
    "Decision",
    "Fault",
    "FaultMix",
    "Latency",
    "Quota",
    "RateStep",
    "Schedule",
    "Service",
    "Verb",
]
