"""A ``Classifier`` for models with OpenAI's chat completions (vLLM, Ollama, LM Studio, ...)."""

from sightline.openai.classifier import ChatClassifier

__all__ = ["ChatClassifier"]
