"""Rows that come with their vectors, in files of other tools: described, cut into row groups, checked."""
