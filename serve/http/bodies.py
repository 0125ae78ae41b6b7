"""What requests carry: checked on the way in, turned into the contracts' values."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from eagleray.contracts.filters import FilterExpression
from eagleray.contracts.hits import Fusion, Granularity, Ranking, SearchMode, SearchRequest
from eagleray.contracts.indexes import TextField
from eagleray.contracts.principals import Principal
from eagleray.contracts.times import parse_instant
from indexes.masks.grammar import parse_filter
from indexes.masks.json_filters import read_json_filter

MAX_K: Final = 1_000
MAX_CHARACTERS: Final = 16_384
"""Of a question or a filter."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0.0, le=1.0)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RankingBody(_Body):
    """Which of the rows found are hits, and in which order; see `eagleray.Ranking`."""

    boosts: dict[TextField, Annotated[float, Field(ge=0.0, allow_inf_nan=False)]] | None = None
    fusion: Fusion = Fusion.CONVEX
    dense_weight: Share | None = None
    min_score: Finite | None = None
    min_dense: Finite | None = None
    min_lexical: Finite | None = None
    diversity: Share = 0.0
    n_per_document: Annotated[int, Field(ge=1)] | None = None

    def to_ranking(self) -> Ranking:
        """Return the contract's value."""
        return Ranking(**{name: getattr(self, name) for name in type(self).model_fields})


class SearchBody(_Body):
    """One question."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "coupon of the 2029 notes", "k": 5, "as_of": "2020-06-30"}]}
    )

    query: str = Field(default="", max_length=MAX_CHARACTERS, description="The question, in words.")
    like: str = Field(default="", max_length=1_024, description="A document; others like it are wanted.")
    k: int = Field(default=10, ge=1, le=MAX_K, description="Hits wanted.")
    mode: SearchMode = Field(default=SearchMode.HYBRID, description="Channels that answer.")
    granularity: Granularity = Field(default=Granularity.DOCUMENT, description="What one hit stands for.")
    as_of: str | None = Field(
        default=None, max_length=64, description="ISO 8601; what was known then answers."
    )
    filter: Annotated[str, Field(max_length=MAX_CHARACTERS)] | dict[str, Any] | None = Field(
        default=None, description="Rows to search among, as text or as JSON."
    )
    exact: bool = Field(default=False, description="Compare every visible vector, whatever it costs.")
    ranking: RankingBody = RankingBody()
    rerank: int = Field(default=0, ge=0, le=MAX_K, description="Best candidates scored again; 0 for none.")
    snapshot: str = Field(
        default="",
        pattern=r"^([0-9a-f]{64})?$",
        description="Whole id; otherwise the alias's snapshot answers.",
    )
    explain: bool = Field(default=False, description="Say how the answer came about.")
    timeout_s: Annotated[float, Field(gt=0.0, allow_inf_nan=False)] | None = Field(
        default=None, description="Seconds the answer may take; the server's limit where that is less."
    )

    def to_request(self, principal: Principal) -> SearchRequest:
        """Return the question as the engine takes it.

        Raises:
            InvalidTimeError: `as_of` names no instant.
            FilterError: the filter cannot be read.
        """
        return SearchRequest(
            query=self.query,
            like=self.like,
            k=self.k,
            mode=self.mode,
            granularity=self.granularity,
            as_of=parse_instant(self.as_of) if self.as_of else None,
            filter=self._read_filter(),
            principal=principal,
            exact=self.exact,
            ranking=self.ranking.to_ranking(),
            rerank=self.rerank,
        )

    def _read_filter(self) -> FilterExpression | None:
        if not self.filter:
            return None
        return parse_filter(self.filter) if isinstance(self.filter, str) else read_json_filter(self.filter)
