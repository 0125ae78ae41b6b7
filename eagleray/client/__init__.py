"""Clients: the same search in this process, for notebooks and scripts."""

from eagleray.client.local import LocalCollection, open_collection

__all__ = ["LocalCollection", "open_collection"]
