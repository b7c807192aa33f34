"""Implements the port ``Classifier`` with Gemini, on Vertex AI or with an API key."""

from sightline.gcp.gemini.classifier import GeminiClassifier

__all__ = ["GeminiClassifier"]
