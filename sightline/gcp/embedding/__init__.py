"""Google's multimodal embedding models behind the port ``Embedder``."""

from sightline.gcp.embedding.embedder import GoogleEmbedder

__all__ = ["GoogleEmbedder"]
