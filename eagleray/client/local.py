"""The local client: opens a published collection in this process and asks it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date, datetime
from typing import Any

from eagleray.contracts.hits import Granularity, SearchMode, SearchRequest, SearchResponse
from eagleray.contracts.ports import SearchEngine
from eagleray.contracts.principals import Principal
from eagleray.contracts.services import IndexService
from eagleray.contracts.times import from_micros, parse_instant
from eagleray.errors import MissingExtraError
from eagleray.parts import load_index_service
from eagleray.settings import load_settings


class LocalCollection:
    """A snapshot of a collection, opened for searching; later publications do not change it."""

    def __init__(self, engine: SearchEngine, service: IndexService) -> None:
        self._engine = engine
        self._service = service

    def search(
        self,
        query: str,
        *,
        k: int = 10,
        mode: str = "hybrid",
        as_of: str | datetime | date | None = None,
        where: str = "",
        groups: Iterable[str] = (),
    ) -> SearchResponse:
        """Return the best documents, each by its best chunk.

        Args:
            query: the question in words.
            k: hits wanted.
            mode: `hybrid`, `dense` or `lexical`.
            as_of: time, ISO 8601 or datetime with a zone; `None` asks the latest state.
            where: filter such as `company = "Cubic Corp" and year >= 2019`; empty for none.
            groups: groups of the caller.

        Raises:
            InputError: the question, the time or the filter cannot be used; says why.
        """
        request = SearchRequest(
            query=query,
            k=k,
            mode=SearchMode(mode),
            granularity=Granularity.DOCUMENT,
            as_of=None if as_of is None else parse_instant(as_of),
            filter=self._service.parse_filter(where) if where else None,
            principal=Principal(subject="local", groups=frozenset(groups)),
        )
        return self._engine.search(request)

    def search_frame(self, query: str, **options: Any) -> Any:
        """Return the hits of `search` as a pandas DataFrame, best first, times as UTC timestamps.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ModuleNotFoundError as error:
            raise MissingExtraError(part="pandas", extra="notebooks") from error
        rows = []
        for hit in self.search(query, **options).hits:
            row = asdict(hit)
            row.update(row.pop("attributes"))
            row["known_from"] = from_micros(hit.known_from)
            del row["known_to"], row["highlights"]
            rows.append(row)
        return pd.DataFrame(rows)


def open_collection(store: str = "", *, collection: str = "", snapshot: str = "live") -> LocalCollection:
    """Open a collection in this process.

    Args:
        store: folder or `s3://bucket/prefix`; empty takes `EAGLERAY_STORE`.
        collection: its name; empty takes `EAGLERAY_COLLECTION`.
        snapshot: alias, id, or the first 8 digits of an id.

    Raises:
        NotPublishedError: there is no such collection, alias or snapshot.
        IntegrityError: something the snapshot needs is damaged.
    """
    given = {name: value for name, value in (("store", store), ("collection", collection)) if value}
    service = load_index_service()
    return LocalCollection(service.open_engine(load_settings(**given), snapshot=snapshot), service)
