"""A source that nobody knew goes through a whole run, and nothing but a setting names it."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

from eagleray.contracts.collections import Collection
from eagleray.contracts.documents import DeadLetterReason
from eagleray.contracts.hits import SearchRequest
from eagleray.contracts.services import IngestRequest
from eagleray.contracts.sources import Origin, RawRecord, SourcePlan, Split, Tombstone
from eagleray.settings import Settings
from indexes.runs.dead_letters import list_dead_letters
from indexes.service import LocalIndexService
from indexes.storage import open_store
from ray_jobs.service import RayJobService

pytestmark = pytest.mark.filterwarnings("ignore")  # Ray Data's own deprecation notices
SECRET = "planted-secret-77aa"
QUOTES = {"bund": "The Bund trades at par.", "gilt": "The gilt trades below par.", "odd": ""}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToySource:
    """Quotes out of a dictionary; what is sold is a tombstone. Opens with a password from the settings."""

    sold: tuple[str, ...]
    password: str
    name = "toy"
    uri = "toy://quotes"
    is_stream = False

    def plan(self, position):
        names = tuple(QUOTES) if position.get("quotes") != str(self.sold) else ()
        splits = tuple(Split(key=name, size_bytes=len(QUOTES[name])) for name in names)
        return SourcePlan(splits=splits, size_bytes=64, identity={"sold": list(self.sold)})

    def read(self, split):
        if self.password != SECRET:
            raise PermissionError("no password")
        origin = Origin(uri="toy/quotes", position=f"quote {split.key}")
        if split.key in self.sold:
            yield Tombstone(origin=origin, doc_id=split.key, known_to=2_000_000)
        elif not QUOTES[split.key]:
            yield origin.reject(DeadLetterReason.EMPTY_TEXT, "no quote", doc_id=split.key)
        else:
            fields = {"_id": split.key, "text": QUOTES[split.key]}
            yield RawRecord(origin=origin, modified=1_000_000, fields=fields)

    def position_after(self, plan):
        return {"quotes": str(self.sold)}


@dataclass(frozen=True, slots=True, kw_only=True)
class ToyFactory:
    sold: tuple[str, ...]

    def __call__(self, settings):
        return ToySource(sold=self.sold, password=settings.api_key.get_secret_value())


def make_toy_factory(request):
    """Return what opens the quotes without those that `toy://quotes?gilt` says are sold."""
    query = urlsplit(request.uri).query
    return ToyFactory(sold=(query,) if query else ())


def test_a_new_source_is_a_module_and_a_setting(cluster, tmp_path, capfd):
    settings = Settings(
        store=str(tmp_path),
        collection="toy",
        embedder={"model": "hashing"},
        api_key=SECRET,
        jobs={"workers": 1, "sources": f"toy={__name__}:make_toy_factory"},
    )

    def ingest(uri="toy://quotes"):
        return RayJobService(settings).ingest(IngestRequest(source=uri), lambda *_: None)

    def find(as_of=None):
        engine = LocalIndexService(settings).open_engine(snapshot="live")
        return {hit.doc_id for hit in engine.search(SearchRequest(query="par", k=9, as_of=as_of)).hits}

    first, again = ingest(), ingest()
    assert (first["documents_new"], first["dead_letters"], find()) == (2, 1, {"bund", "gilt"})
    assert first["refused"] == {"empty_text": {"files": 1, "pieces": 1, "examples": ["quotes"]}}
    letters = list_dead_letters(Collection(open_store(tmp_path), "toy"))
    assert [letter["doc_id"] for letter in letters] == ["odd"]
    assert (again["changed"], again["snapshot"]) == (False, first["snapshot"])
    assert ingest("toy://quotes?gilt")["removed"] == 1
    assert (find(), find(as_of=1_500_000)) == ({"bund"}, {"bund", "gilt"})
    left = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert not any(SECRET.encode() in data for data in [*left, "".join(capfd.readouterr()).encode()])
