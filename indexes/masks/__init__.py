"""Masks: which rows of a segment a question may see, from time, entitlements and filters."""
