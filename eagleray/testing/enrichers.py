"""What any enricher must do, so that a run over the same documents gives the same, wherever it is done."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Final

import pytest

from eagleray.contracts.documents import DeadLetter, DeadLetterReason, Document
from eagleray.contracts.enrichment import Enricher
from eagleray.documents.enrichment import EnricherSpec, describe_enrichers, enrich_batch, open_enricher

_TEXTS: Final = (
    "The Bund trades at par.",
    "Die Anleihe notiert zu pari.",
    "x",
    "A swap, " * 2_000,
    "Ünïcödé 東京 🚀 مقايضة",
    "The gilt\n\n\ttrades below par.",
)

_DESCRIBE: Final = """
import sys
sys.path[:] = {paths!r}
from eagleray.documents.enrichment import describe_enrichers
print(describe_enrichers([{path!r}])[0].digest)
"""


def make_documents() -> list[Document]:
    """Return documents of several lengths and languages, with attributes and without."""
    return [
        Document(
            doc_id=f"desk/{number}",
            text=text,
            title=f"Note {number}",
            source="desk/notes",
            position=f"row {number}",
            known_from=1_000_000 + number,
            attributes={"desk": "rates", "year": 2_022} if number % 2 else {},
        )
        for number, text in enumerate(_TEXTS)
    ]


class EnricherContract:
    """A subclass gives the fixture `path`: `package.module:attribute`, as settings name the enricher."""

    @pytest.fixture
    def spec(self, path: str) -> EnricherSpec:
        """Return the enricher as a run plans with it."""
        (spec,) = describe_enrichers([path])
        return spec

    @pytest.fixture
    def enricher(self, spec: EnricherSpec) -> Enricher:
        """Return the enricher, opened as in a worker."""
        sent: EnricherSpec = pickle.loads(pickle.dumps(spec))  # noqa: S301 - pickled here
        return open_enricher(sent)

    def test_its_digest_is_the_same_in_every_process(self, spec: EnricherSpec) -> None:
        code = _DESCRIBE.format(paths=sys.path, path=spec.path)
        command = [sys.executable, "-c", code]
        told = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - this code
        assert told.stdout.splitlines()[-1] == spec.digest

    def test_every_document_comes_back_or_is_refused(self, enricher: Enricher) -> None:
        documents = make_documents()
        for document, found in zip(documents, enrich_batch(enricher, documents), strict=True):
            if isinstance(found, DeadLetter):
                assert found.reason is DeadLetterReason.REFUSED, found.detail
            else:
                assert replace(found, attributes=document.attributes) == document

    def test_the_same_batch_gives_the_same_again_and_elsewhere(
        self, spec: EnricherSpec, enricher: Enricher
    ) -> None:
        first = enrich_batch(enricher, make_documents())
        enrich_batch(enricher, make_documents()[::-1])
        assert enrich_batch(enricher, make_documents()) == first
        assert enrich_batch(open_enricher(spec), make_documents()) == first

    def test_what_it_is_given_stays_as_it_was(self, enricher: Enricher) -> None:
        documents = make_documents()
        before: Sequence[Document] = deepcopy(documents)
        enricher.enrich(documents)
        assert documents == before
