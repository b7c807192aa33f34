"""A model service that speaks Vertex AI's REST protocol, with quotas, latencies and faults.

``VertexSimulator`` is the server; ``python -m sightline.sim.vertex --port 8090`` starts one. What
it decides (``quota``, ``latency``, ``faults``, ``service``) is pure: time and randomness are
passed in, so that a limiter can be tried against the same quota without a network.
"""

from sightline.sim.vertex.answers import Answerer, CannotAnswerError, MadeUpAnswers
from sightline.sim.vertex.faults import Fault, FaultMix, Verb
from sightline.sim.vertex.latency import Latency
from sightline.sim.vertex.quota import Quota, Schedule, Step
from sightline.sim.vertex.server import VertexSimulator
from sightline.sim.vertex.service import ANY_MODEL, Behaviour, Service

__all__ = [
    "ANY_MODEL",
    "Answerer",
    "Behaviour",
    "CannotAnswerError",
    "Fault",
    "FaultMix",
    "Latency",
    "MadeUpAnswers",
    "Quota",
    "Schedule",
    "Service",
    "Step",
    "Verb",
    "VertexSimulator",
]
