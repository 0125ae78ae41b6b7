"""No file takes more than twice the time when it is twice as long, through decoding, parsing and chunking.

Processor time is compared, the best of some runs, so that a busy machine does not matter.
"""

from __future__ import annotations

import gc
import re
import time

import pytest

from eagleray.chunking.config import ChunkerConfig
from eagleray.chunking.documents import chunk_document
from eagleray.contracts.documents import DeadLetter
from eagleray.documents.mapping import DEFAULT_MAPPING, apply_mapping
from eagleray.documents.partitions import parse_bytes
from eagleray.documents.records import InputFile
from tests.unit.eagleray.documents.hostile_texts import KINDS

_MAX_GROWTH = 2.6
_MEASURABLE_S = 0.02
_SMALLEST = 1 << 14
_LARGEST = 1 << 16
_TRIES = 4


class _Counter:
    digest = "words and signs"

    def find_offsets(self, text):
        return [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]


@pytest.fixture(autouse=True, scope="module")
def little_to_collect():
    """Keep what the tests before left out of the collections here, which would take longer than the files."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def _measure(data, suffix):
    """Processor seconds that a file takes on its way to chunks."""
    gc.collect()
    begun = time.process_time()
    for item in parse_bytes(data, InputFile(source=f"hostile.{suffix}", modified=0)):
        document = item if isinstance(item, DeadLetter) else apply_mapping(DEFAULT_MAPPING, item)
        if not isinstance(document, DeadLetter):
            chunk_document(document, counter=_Counter(), config=ChunkerConfig())
    return time.process_time() - begun


@pytest.mark.parametrize(("suffix", "name"), KINDS)
def test_twice_the_text_takes_about_twice_the_time(suffix, name):
    make, size = KINDS[suffix, name], _SMALLEST
    while (short := _measure(make(size), suffix)) < _MEASURABLE_S and size < _LARGEST:
        size *= 2
    for _ in range(_TRIES):
        long = _measure(make(2 * size), suffix)
        if long <= _MAX_GROWTH * max(short, _MEASURABLE_S):
            return
        short = max(short, _measure(make(size), suffix))
    pytest.fail(f"{2 * size} bytes took {long:.3f} s, half of them {short:.3f} s")
