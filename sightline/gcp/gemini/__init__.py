"""Gemini on Vertex AI behind the port ``Classifier``."""

from sightline.gcp.gemini.classifier import GeminiClassifier

__all__ = ["GeminiClassifier"]
