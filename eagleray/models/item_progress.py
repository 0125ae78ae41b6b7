"""How much of a long task is done: told by what does the work, heard by whoever runs it, if anybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Listener = Callable[[int], None]
"""Takes how many more items are done."""

_listener: ContextVar[Listener | None] = ContextVar("listener", default=None)


def tell_done(n: int) -> None:
    """Tell that so many more items of the task at hand are done, such as records or texts."""
    listener = _listener.get()
    if listener is not None:
        listener(n)


@contextmanager
def heard_by(listener: Listener) -> Iterator[None]:
    """Have a listener told what is done within a block, in the thread that enters it."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
