"""Planning: from how many rows a mask selects to how a segment is searched."""
