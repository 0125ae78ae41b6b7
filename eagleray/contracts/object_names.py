"""What may be the name of an object: the same in every kind of store."""

from __future__ import annotations

from eagleray.errors import StoreError


def check_name(path: str) -> str:
    """Return `path` where it is a relative name that stays inside the store.

    Raises:
        StoreError: it is empty or absolute, or has a part that is empty, `.` or `..`.
    """
    if not is_name(path):
        raise StoreError(path=path, detail="a name must be relative and stay inside the store")
    return path


def is_name(path: str) -> bool:
    """Return whether `path` is relative and none of its parts is empty, `.` or `..`."""
    return not any(part in ("", ".", "..") for part in path.split("/"))
