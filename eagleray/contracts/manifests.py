"""What a collection, a segment, a snapshot and an alias are on disk.

Each is JSON whose bytes are its digest's input, so a manifest vouches for all below it. The
code that writes and checks them lives in `indexes.segments` and `indexes.snapshots`.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any, Final

from eagleray.contracts.documents import AttributeTypes
from eagleray.contracts.indexes import DenseManifest, TextField
from eagleray.digests import canonical_json, digest_bytes, digest_json

FORMAT_VERSION: Final = 4

LEFT_OUT: Final = "left out"
"""Marks a field, in its metadata, whose key is left out of the JSON where there is nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelIdentity:
    """What a vector means: vectors of one model may be compared, wherever they were computed.

    Attributes:
        name: `all-MiniLM-L6-v2`, a model folder's name, or `hashing`.
        weights: SHA-256 over the model's files.
        dim: numbers a vector has.
        max_tokens: longest input in the model's tokens, special tokens included.
    """

    name: str
    weights: str
    dim: int
    max_tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbedderIdentity(ModelIdentity):
    """Everything the bits of a vector depend on beside the text.

    Attributes:
        backend: `torch-bf16`, `torch-fp32`, `hashing`.
        instruction_set: widest vector extension and vendor of the processor, or the GPU's name.
        libraries: name -> version of what computes.
        settings: batch budget, threads and what else changes bits.
    """

    backend: str
    instruction_set: str
    libraries: dict[str, str] = field(default_factory=dict)
    settings: dict[str, str | int | float | bool] = field(default_factory=dict)

    @property
    def model(self) -> ModelIdentity:
        """What its vectors mean, apart from where they were computed."""
        return ModelIdentity(name=self.name, weights=self.weights, dim=self.dim, max_tokens=self.max_tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChunkerIdentity:
    """Everything a chunk's span depends on beside the document.

    Attributes:
        tokenizer: SHA-256 of the tokenizer's file.
        max_tokens: longest chunk, heading and special tokens included.
        target_tokens: length aimed at.
        overlap_tokens: length shared by neighbours at most.
        rules: version of the splitting rules.
    """

    tokenizer: str
    max_tokens: int
    target_tokens: int
    overlap_tokens: int
    rules: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionSpec:
    """What every segment of a collection agrees on, on whatever machine it was built."""

    name: str
    embedder: ModelIdentity
    chunker: ChunkerIdentity
    format_version: int = FORMAT_VERSION

    @property
    def chunker_digest(self) -> str:
        """Digest of the chunker's identity, part of every chunk id."""
        return digest_json(asdict(self.chunker))


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEntry:
    """A file a manifest vouches for."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentManifest:
    """Immutable rows of one zone, sorted by (known_from, chunk_id).

    Attributes:
        embedder: what computed the vectors.
        files: path below the segment's folder -> digest and size.
        groups: names, in the order of the bitmaps in `groups.bin`; bitmap 0 is `public`.
        attributes: name -> types of its values.
        first_known: least known_from, microseconds.
        last_known: greatest known_from, microseconds.
        dense: of its inverted lists; `None` where every search compares the vectors themselves.
    """

    zone: str
    n_rows: int
    embedder: EmbedderIdentity
    groups: tuple[str, ...]
    attributes: AttributeTypes
    first_known: int
    last_known: int
    files: dict[str, FileEntry]
    dense: DenseManifest | None = None
    format_version: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRanking:
    """How a hybrid search weighs what it finds, fitted to a collection's own questions.

    Attributes:
        dense_weight: from 0 to 1, share of the dense channel in a convex combination.
        boosts: field -> weight of words in it besides those of the body.
        n_questions: questions it was fitted to, judged ones or known items.
    """

    dense_weight: float
    boosts: dict[TextField, float]
    n_questions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RelevanceWeights:
    """A logistic regression over what speaks for a hit (`indexes.searching.relevance`).

    Attributes:
        intercept: log-odds of a hit for which nothing speaks.
        dense: of the cosine similarity; 0 where vectors take no part.
        covered: of the share of the question's words that the hit holds.
        unknown: of the share of them that no visible row holds, at most 0.
    """

    intercept: float
    dense: float
    covered: float
    unknown: float


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedRelevance:
    """When a hit is relevant, fitted to questions made of a collection's own rows.

    Attributes:
        by_both: weights where vectors took part.
        by_words: weights where words alone answered.
        n_questions: questions they were fitted to.
        known_until: greatest known_from of the rows that made them, microseconds; a question as of an earlier
            time is judged without them.
    """

    by_both: RelevanceWeights
    by_words: RelevanceWeights
    n_questions: int
    known_until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What was fitted to a collection; `None` for what was not.

    Attributes:
        ranking: weights of the channels.
        relevance: weights of what speaks for a hit.
    """

    ranking: FittedRanking | None = None
    relevance: FittedRelevance | None = None


NOTHING_FITTED: Final = Fitted()


@dataclass(frozen=True, slots=True, kw_only=True)
class Relabelling:
    """Versions of documents that were given other attributes, titles or groups; texts and times stayed.

    Attributes:
        run: id of the run that did it.
        source: whose documents they are.
        mapping: digest of what made documents of its records then.
        n_versions: that have other labels or groups since.
    """

    run: str
    source: str
    mapping: str
    n_versions: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SnapshotManifest:
    """An immutable state of a collection: its id is the SHA-256 of its canonical JSON.

    Attributes:
        collection: the spec all segments follow.
        segments: digests of the `segment.json` files, in order.
        patches: digests of the patch files, applied in order.
        parent: snapshot this one was built on, or `None`.
        n_rows: rows in all segments.
        n_documents: distinct documents open at the end.
        attributes: name -> types of its values, over all segments.
        watermarks: position per stream for sources that have offsets.
        ranking: fitted weights, or `None` for those every collection begins with.
        relevance: fitted relevance, or `None` for that of every collection; its key is left out then, so that
            ids are those of manifests that never had it.
        relabellings: that its versions went through, the last one last; left out of the bytes where there are
            none.
    """

    collection: CollectionSpec
    segments: tuple[str, ...]
    patches: tuple[str, ...]
    parent: str | None
    n_rows: int
    n_documents: int
    attributes: AttributeTypes
    watermarks: dict[str, str] = field(default_factory=dict)
    ranking: FittedRanking | None = None
    relevance: FittedRelevance | None = field(default=None, metadata={LEFT_OUT: True})
    relabellings: tuple[Relabelling, ...] = field(default=(), metadata={LEFT_OUT: True})
    format_version: int = FORMAT_VERSION

    @property
    def fitted(self) -> Fitted:
        """What was fitted to the collection."""
        return Fitted(ranking=self.ranking, relevance=self.relevance)

    @property
    def snapshot_id(self) -> str:
        """SHA-256 of the manifest's bytes, 64 hex digits."""
        return digest_bytes(encode_manifest(self))


@dataclass(frozen=True, slots=True, kw_only=True)
class AliasEntry:
    """One move of an alias; the highest sequence is the current one.

    Attributes:
        sequence: 1 for the first move; each move takes the next number, once.
        snapshot: where the alias points from here on.
        previous: where it pointed before, or `None`.
        moved_at: microseconds.
        reason: `publish` or `rollback`, with the run or request that did it.
    """

    sequence: int
    snapshot: str
    previous: str | None
    moved_at: int
    reason: str


Manifest = CollectionSpec | SegmentManifest | SnapshotManifest | AliasEntry


def encode_manifest(manifest: Manifest) -> bytes:
    """Return the bytes a manifest is stored as: canonical JSON in UTF-8."""
    shown = _plain(asdict(manifest))
    for item in fields(manifest):
        if item.metadata.get(LEFT_OUT) and not shown[item.name]:
            del shown[item.name]
    return canonical_json(shown)


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
