"""Files that callers upload, and the vector stores they put them in: records, and how files are read."""
