"""The search engine: numpy and Arrow in, numpy and Arrow out; no Ray, no HTTP."""
