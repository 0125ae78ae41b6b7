"""What several serving processes share, and how each does without: no client of a store is imported here."""
