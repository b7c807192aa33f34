"""Gemini, on Vertex AI or by key, behind the port ``Classifier``."""

from sightline.gcp.gemini.classifier import GeminiClassifier

__all__ = ["GeminiClassifier"]
