"""Models behind OpenAI's chat completions (vLLM, Ollama, LM Studio, ...) as a ``Classifier``."""

from sightline.openai.classifier import ChatClassifier

__all__ = ["ChatClassifier"]
