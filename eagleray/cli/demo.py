"""The demo that `eagleray serve --demo` serves: the sample of a checkout, built if need be, with a key.

`make demo` builds the same collection in the same place (`examples/demo.py`).
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from eagleray.cli.output import show_line
from eagleray.cli.progress import report_progress
from eagleray.contracts.callers import Role
from eagleray.contracts.services import IngestRequest, KeyRequest
from eagleray.errors import InputError, IntegrityError, NotPublishedError
from eagleray.parts import INDEX, JOBS, KEYS
from eagleray.settings import Settings, load_named

COLLECTION: Final = "sample"
ALIAS: Final = "live"

_ROOT: Final = Path(__file__).resolve().parents[2]
_STORE: Final = str(_ROOT / ".demo" / "store")
_SUBJECT: Final = "demo"
_KEY_DAYS: Final = 1
"""Days after which the key of a demo that was killed is refused."""


def load_demo_settings(*, store: str, collection: str) -> Settings:
    """Return the settings of the demo: its store unless another is named, and keys accepted.

    Raises:
        InputError: a collection other than the demo's is named.
    """
    if collection not in ("", COLLECTION):
        detail = f"the demo's collection is {COLLECTION}, found --collection {collection}; leave it out"
        raise InputError(detail=detail)
    return load_named(store=store or _STORE, collection=COLLECTION, groups={"auth": {"api_keys": True}})


def prepare_demo(settings: Settings) -> None:
    """Build the demo's collection on a local cluster of its own, unless it is published already.

    What an earlier version left in the demo's own store is removed: it holds the sample alone.

    Raises:
        InputError: the sample is not there: this is no checkout.
    """
    if _is_published(settings):
        return
    sample, mapping = _ROOT / "examples" / "sample", _ROOT / "examples" / "mapping.yaml"
    if not sample.is_dir():
        raise InputError(
            detail=f"the demo is built from a checkout's examples, and there are none in {sample}"
        )
    _tell(f"building the demo in {settings.store}, once; this takes about a minute")
    started = time.monotonic()
    request = IngestRequest(source=str(sample), mapping=str(mapping), alias=ALIAS)
    with report_progress() as on_progress:
        JOBS.load(settings).ingest(request, on_progress)
    _tell(f"built in {time.monotonic() - started:.0f} s")


@contextmanager
def lend_key(settings: Settings) -> Iterator[dict[str, Any]]:
    """Make a key that may search the demo and write to it, and revoke it at the end of the block."""
    request = KeyRequest(
        subject=_SUBJECT,
        roles=frozenset({Role.READER, Role.WRITER}),
        zones=None,
        days=_KEY_DAYS,
        note="eagleray serve --demo",
    )
    service = KEYS.load(settings)
    made = service.create(request)
    try:
        yield made
    finally:
        service.revoke(key_id=made["key_id"])


def _is_published(settings: Settings) -> bool:
    try:
        INDEX.load(settings).show_snapshot(snapshot=ALIAS)
    except NotPublishedError:
        return False
    except IntegrityError as error:
        if settings.store != _STORE:
            raise
        _tell(f"the demo is of another version, or damaged, and is rebuilt ({error.fields['path']})")
        shutil.rmtree(_STORE)
        return False
    return True


def _tell(line: str) -> None:
    show_line(line, file=sys.stderr)
