"""Snapshots: immutable states of a collection, the patches below them and the aliases above them."""
