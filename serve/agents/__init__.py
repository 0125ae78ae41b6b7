"""Answers with citations: what makes them of passages, with a model or without one; no Ray, no HTTP."""
