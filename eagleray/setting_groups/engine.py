"""Settings of stores, models, builds and searches."""

from __future__ import annotations

from typing import Literal

from pydantic import (
    BaseModel,
    Field,
    SecretStr,
)

from eagleray.setting_groups import FROZEN


class S3Settings(BaseModel):
    """How an `s3://` store is reached.

    Attributes:
        endpoint: address of the service; empty for the region's own.
        allow_http: whether plain HTTP is accepted, for services on loopback.
        timeout_s: seconds one request may take, retries apart.
    """

    model_config = FROZEN

    endpoint: str = ""
    region: str = "us-east-1"
    access_key_id: SecretStr | None = None
    secret_access_key: SecretStr | None = None
    allow_http: bool = False
    timeout_s: float = Field(default=30.0, gt=0)


class EmbedderSettings(BaseModel):
    """Which model embeds, and how.

    Attributes:
        model: `minilm`, `hashing`, or the folder of a sentence-transformers model.
        backend: one by name, or `auto`: what a measurement on this machine found fast, kept in the cache.
        device: `cpu` or `cuda`.
        max_batch_tokens: tokens, padding included, of one batch; a GPU wants far more, such as 32768.
        threads: compute threads of one embedder; part of what the bits depend on.
    """

    model_config = FROZEN

    model: str = Field(default="minilm", min_length=1)
    backend: Literal["auto", "torch-fp32", "torch-bf16"] = "auto"
    device: Literal["cpu", "cuda"] = "cpu"
    max_batch_tokens: int = Field(default=1024, ge=256)
    threads: int = Field(default=1, ge=1)


class RerankerSettings(BaseModel):
    """Which model scores the best candidates of a search again, where a search asks for it.

    Attributes:
        model: folder of a cross-encoder; empty for none.
        device: `cpu` or `cuda`.
        max_batch_tokens: tokens, padding included, of one batch.
        threads: compute threads; the scores' last bits depend on it.
    """

    model_config = FROZEN

    model: str = ""
    device: Literal["cpu", "cuda"] = "cpu"
    max_batch_tokens: int = Field(default=1024, ge=256)
    threads: int = Field(default=1, ge=1)


class ChunkerSettings(BaseModel):
    """How documents are cut: lengths in the embedder's tokens."""

    model_config = FROZEN

    target_tokens: int = Field(default=230, ge=16)
    overlap_tokens: int = Field(default=40, ge=0)


class JobSettings(BaseModel):
    """How the Ray jobs are spread.

    Attributes:
        workers: parallel tasks and embedding actors; 0 takes every CPU of the cluster.
        partition_bytes: input read by one ingest task.
        shard_bytes: input behind one chunk file; decides shards, so it is part of the run's id.
        worker_memory_bytes: memory a task reserves; building a segment may take half of it, which decides
            segments, so it is part of the run's id.
        max_record_bytes: a longer line becomes a dead letter.
        max_segment_rows: rows of one segment at most.
        no_progress_timeout_s: seconds without progress after which a stage fails.
        enrichers: `package.module:attribute` of each that looks at documents before they are chunked, words
            with spaces between, in this order.
        sources: `scheme=package.module:attribute` of each kind of source beside files, words with spaces
            between.
    """

    model_config = FROZEN

    workers: int = Field(default=0, ge=0)
    partition_bytes: int = Field(default=8 << 20, ge=1 << 10)
    shard_bytes: int = Field(default=4 << 20, ge=1 << 10)
    worker_memory_bytes: int = Field(default=256 << 20, ge=1 << 20)
    max_record_bytes: int = Field(default=32 << 20, ge=1 << 10)
    max_segment_rows: int = Field(default=250_000, ge=1)
    no_progress_timeout_s: float = Field(default=600.0, gt=0)
    enrichers: str = ""
    sources: str = ""


class IndexSettings(BaseModel):
    """How the vectors of large segments are indexed.

    Attributes:
        kind: of inverted lists, or `flat` to compare every visible vector always.
        min_rows: a segment of fewer rows has no lists: comparing its vectors takes about a millisecond.
        n_lists: inverted lists; 0 takes about the root of a segment's rows.
        balance: from 0 to 1, how strongly lists are kept from filling unevenly.
        max_drift: how much farther from their centroids new rows may lie, on average, than those the
            lists were made from; beyond it new lists are made for new segments.
        device: what makes lists and finds each row's: `cpu`; `cuda`, a GPU by torch; `faiss`, a GPU by
            FAISS's own GPU build. Lists made by another device may differ in a few rows.
    """

    model_config = FROZEN

    kind: Literal["flat", "ivf_flat", "ivf_sq8", "ivf_pq", "ivf_rabitq1", "ivf_rabitq4"] = "ivf_pq"
    min_rows: int = Field(default=20_000, ge=1)
    n_lists: int = Field(default=0, ge=0, le=1 << 20)
    balance: float = Field(default=0.5, ge=0.0, le=1.0)
    max_drift: float = Field(default=1.25, ge=1.0)
    device: Literal["cpu", "cuda", "faiss"] = "cpu"


class SearchSettings(BaseModel):
    """How a search is carried out; no exact answer depends on it.

    Attributes:
        threads: that one search may use to go through several segments at once.
        device: `cpu`, or `cuda` to keep vectors on a GPU and compare all that a question may find there.
    """

    model_config = FROZEN

    threads: int = Field(default=1, ge=1, le=64)
    device: Literal["cpu", "cuda"] = "cpu"


class GateSettings(BaseModel):
    """What a snapshot may take to be published; 0 for no budget.

    Attributes:
        max_row_bytes: bytes on disk for each row.
        max_search_ms: milliseconds that 95 of 100 hybrid searches stay below, questions not embedded, on the
            machine that publishes.
    """

    model_config = FROZEN

    max_row_bytes: int = Field(default=0, ge=0)
    max_search_ms: float = Field(default=0.0, ge=0.0)
