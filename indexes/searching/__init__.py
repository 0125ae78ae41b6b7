"""Searching: one question over all segments of a snapshot, from mask to hits."""
