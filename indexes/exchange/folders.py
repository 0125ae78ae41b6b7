"""A folder that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eagleray.errors import InputError


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a hidden folder beside `target` that takes its name when the block ends well.

    A block that fails leaves nothing. One that is killed leaves the hidden folder, `.<name>.<random>`, and
    nothing of the target's name.

    Args:
        target: a name that is free, or an empty folder's; the folders above it are made.

    Raises:
        InputError: something stands there, or no folder can be made there.
    """
    check_free(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.parent / f".{target.name}.{uuid.uuid4().hex[:12]}"
        partial.mkdir()
    except OSError as error:
        raise InputError(detail=f"{target} cannot be made: {error.strerror}") from error
    try:
        yield partial
        for path in (*partial.rglob("*"), partial):
            _sync(path)
        _rename(partial, target)
        _sync(target.parent)
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def check_free(target: Path) -> None:
    """Check that a folder of this name can be made.

    Raises:
        InputError: a file or a folder with something in it has the name.
    """
    if target.is_dir():
        if any(target.iterdir()):
            raise InputError(detail=f"{target} is not empty; name a folder that is empty or not there")
    elif target.exists() or target.is_symlink():
        raise InputError(detail=f"{target} is a file; name a folder that is empty or not there")


def _rename(partial: Path, target: Path) -> None:
    try:
        partial.rename(target)
    except OSError as error:
        detail = f"{target} was taken while the files were written ({error.strerror}); name another folder"
        raise InputError(detail=detail) from error


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
