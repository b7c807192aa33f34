"""The offline model behind the ports ``Classifier`` and ``Embedder``."""

from sightline.local.models.adapters import LocalClassifier, LocalEmbedder
from sightline.local.models.vision import LocalVision

__all__ = ["LocalClassifier", "LocalEmbedder", "LocalVision"]
