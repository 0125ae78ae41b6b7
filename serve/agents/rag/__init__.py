"""A language model chooses lines of passages and phrases what they say; all of it is checked."""

from serve.agents.rag.pipeline import RagPipeline

__all__ = ["RagPipeline"]
