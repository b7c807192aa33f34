"""A model service that speaks REST as Vertex AI and the Gemini API do: quotas, latencies, faults.

The server is ``sightline.sim.vertex.server.VertexSimulator``; ``sightline simulate vertex`` runs
one. What it decides is here: pure, time and randomness passed in, so that a limiter can be tried
against the same quota without a network. No server is imported here.
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
