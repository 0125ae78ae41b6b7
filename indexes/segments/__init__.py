"""Segments: immutable rows of one zone in `known_from` order, written once and opened many times."""
