"""Where documents come from; each source lists what it has and reads a partition of it."""
