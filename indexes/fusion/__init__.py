"""Fusion: one similarity out of the dense and the lexical one."""
