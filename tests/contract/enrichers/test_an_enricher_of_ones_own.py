"""An enricher that nobody foresaw, whole: named by a setting, it is run by any ingest."""

from __future__ import annotations

import inspect
import random
from dataclasses import replace

import pytest

from eagleray.contracts.enrichment import RefusedDocument, WorkerResources
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.services import IngestRequest
from eagleray.documents.enrichment import describe_enrichers, open_enricher
from eagleray.testing.enrichers import EnricherContract
from indexes.masks.grammar import parse_filter
from indexes.service import LocalIndexService
from ray_jobs.service import RayJobService

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices


class Languages:
    name = "languages"
    digest = "stop words, 1"
    batch_size = 2
    resources = WorkerResources()

    def enrich(self, documents):
        return [
            replace(document, attributes={**document.attributes, "language": language})
            if (language := find_language(document.text))
            else RefusedDocument(detail="its language is not known; name it in the mapping")
            for document in documents
        ]


def find_language(text):
    words = set(text.lower().split())
    return "en" if "the" in words else "de" if "die" in words else ""


class TestLanguages(EnricherContract):
    @pytest.fixture
    def path(self):
        return f"{__name__}:Languages"


class Unsteady(Languages):
    digest = str(random.random())  # noqa: S311 - no secret


class Forgetful(Languages):
    def __init__(self):
        self.n_batches = 0

    def enrich(self, documents):
        self.n_batches += 1
        return [replace(document, attributes={"batch": self.n_batches}) for document in documents]


class Greedy(Languages):
    def enrich(self, documents):
        return [replace(document, text=document.text.upper()) for document in documents]


class Careless(Languages):
    def enrich(self, documents):
        for document in documents:
            document.attributes["seen"] = True
        return documents


@pytest.mark.parametrize(
    ("kind", "test"),
    [
        (Unsteady, "test_its_digest_is_the_same_in_every_process"),
        (Forgetful, "test_the_same_batch_gives_the_same_again_and_elsewhere"),
        (Greedy, "test_every_document_comes_back_or_is_refused"),
        (Careless, "test_what_it_is_given_stays_as_it_was"),
    ],
)
def test_the_suite_notices_an_enricher_that_breaks_its_contract(kind, test):
    (spec,) = describe_enrichers([f"{__name__}:{kind.__name__}"])
    given = {"spec": spec, "enricher": open_enricher(spec)}
    check = getattr(TestLanguages(), test)
    names = inspect.signature(check).parameters
    with pytest.raises(AssertionError):
        check(**{name: given[name] for name in names})


def test_what_an_enricher_learns_can_be_asked_for_and_what_it_refuses_is_a_dead_letter(
    cluster, settings, tmp_path
):
    folder = tmp_path / "desk"
    folder.mkdir()
    for name, text in (("a", "The bond."), ("b", "Die Anleihe."), ("c", "Obligation."), ("d", "The swap.")):
        (folder / f"{name}.txt").write_text(text)
    jobs = settings.jobs.model_copy(update={"enrichers": f"{__name__}:Languages"})
    settings = settings.model_copy(update={"jobs": jobs})
    report = RayJobService(settings).ingest(IngestRequest(source=str(folder)), lambda *step: None)
    assert (report["documents_read"], report["versions_added"], report["dead_letters"]) == (4, 3, 1)
    engine = LocalIndexService(settings).open_engine(snapshot="live")
    request = SearchRequest(query="bond", filter=parse_filter("language = 'de'"))
    assert [hit.doc_id for hit in engine.search(request).hits] == ["desk/b.txt"]
    (letter,) = RayJobService(settings).list_dead_letters(run="")
    assert (letter["doc_id"], letter["reason"]) == ("desk/c.txt", "refused")
    assert letter["detail"] == "languages: its language is not known; name it in the mapping"
