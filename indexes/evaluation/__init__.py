"""Evaluation: the gate a snapshot passes before an alias moves, and the measures of ranked lists."""
