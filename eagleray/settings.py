"""Settings: the only file that reads the environment.

Every setting is `EAGLERAY_<NAME>`, nested ones `EAGLERAY_<GROUP>__<NAME>`. Only composition
roots (the command line, a job's entry point, the notebook's `open`) call `load_settings`.
"""

from __future__ import annotations

import os
import shlex
from typing import Final, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, SettingsConfigDict

from eagleray.errors import InputError

_FROZEN = ConfigDict(frozen=True, extra="forbid")
_PREFIX = "EAGLERAY_"

_SIGNATURES: Final = frozenset(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512))
"""Signatures by a private key (RFC 7518, section 3.1): who holds the public key cannot make them."""


MetricsReaders = Literal["callers", "loopback", "off"]
"""Who may read a server's metrics: callers with a role, whoever reaches it on loopback, or nobody."""


class S3Settings(BaseModel):
    """How an `s3://` store is reached.

    Attributes:
        endpoint: address of the service; empty for the region's own.
        allow_http: whether plain HTTP is accepted, for services on loopback.
        timeout_s: seconds one request may take, retries apart.
    """

    model_config = _FROZEN

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

    model_config = _FROZEN

    model: str = "minilm"
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

    model_config = _FROZEN

    model: str = ""
    device: Literal["cpu", "cuda"] = "cpu"
    max_batch_tokens: int = Field(default=1024, ge=256)
    threads: int = Field(default=1, ge=1)


class ChunkerSettings(BaseModel):
    """How documents are cut: lengths in the embedder's tokens."""

    model_config = _FROZEN

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
    """

    model_config = _FROZEN

    workers: int = Field(default=0, ge=0)
    partition_bytes: int = Field(default=8 << 20, ge=1 << 10)
    shard_bytes: int = Field(default=4 << 20, ge=1 << 10)
    worker_memory_bytes: int = Field(default=256 << 20, ge=1 << 20)
    max_record_bytes: int = Field(default=32 << 20, ge=1 << 10)
    max_segment_rows: int = Field(default=250_000, ge=1)
    no_progress_timeout_s: float = Field(default=600.0, gt=0)


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

    model_config = _FROZEN

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

    model_config = _FROZEN

    threads: int = Field(default=1, ge=1, le=64)
    device: Literal["cpu", "cuda"] = "cpu"


class ServeSettings(BaseModel):
    """How much one serving process takes on.

    Attributes:
        threads: searches at work at once; 0 for one a core.
        max_waiting: requests that may wait for a thread; one more is refused, to be asked again later.
        timeout_s: seconds a request may take, waiting included.
        poll_s: seconds between two looks at the alias.
        embed_max_waiting: texts that may wait to be embedded; a request that would exceed it is refused.
        embed_timeout_s: seconds that embedding the texts of a request may take, waiting included.
        metrics: who may read `/metrics`: `callers` that are known and have a role; `loopback`, whoever asks a
            server that listens on loopback alone; `off`, nobody.
    """

    model_config = _FROZEN

    threads: int = Field(default=0, ge=0, le=256)
    max_waiting: int = Field(default=64, ge=0)
    timeout_s: float = Field(default=30.0, gt=0.0)
    poll_s: float = Field(default=0.25, gt=0.0)
    embed_max_waiting: int = Field(default=4096, ge=1)
    embed_timeout_s: float = Field(default=120.0, gt=0.0)
    metrics: MetricsReaders = "callers"


class GateSettings(BaseModel):
    """What a snapshot may take to be published; 0 for no budget.

    Attributes:
        max_row_bytes: bytes on disk for each row.
        max_search_ms: milliseconds that 95 of 100 hybrid searches stay below, questions not embedded, on the
            machine that publishes.
    """

    model_config = _FROZEN

    max_row_bytes: int = Field(default=0, ge=0)
    max_search_ms: float = Field(default=0.0, ge=0.0)


class OidcSettings(BaseModel):
    """Whose tokens are accepted, and who their bearers are. Lists are words with spaces between.

    Attributes:
        issuer: what `iss` must be, to the letter; empty accepts no token.
        audience: what `aud` must be or hold.
        key_set: where the issuer's public keys are: `https://…`, or a file (JWKS, RFC 7517).
        algorithms: signatures accepted, by a private key all of them.
        leeway_s: seconds that clocks may differ.
        groups_claim: claim that holds the groups.
        zones_claim: claim that holds the zones; empty where zones play no part, and every one may be read.
        roles_claim: claim that holds the roles; other words in it are passed over.
        is_reader_by_default: whether a token without that claim makes a reader; otherwise it allows nothing.
        timeout_s: seconds a request for the key set may take.
        min_interval_s: least seconds between two requests for it, whatever the tokens say.
        max_age_s: seconds after which it is asked for again, so that a key that is gone is refused.
        max_stale_s: seconds the last good set is used where no new one can be had.
    """

    model_config = _FROZEN

    issuer: str = ""
    audience: str = ""
    key_set: str = ""
    algorithms: str = "RS256 PS256 ES256"
    leeway_s: int = Field(default=60, ge=0, le=300)
    groups_claim: str = Field(default="groups", min_length=1)
    zones_claim: str = "zones"
    roles_claim: str = Field(default="roles", min_length=1)
    is_reader_by_default: bool = False
    timeout_s: float = Field(default=5.0, gt=0)
    min_interval_s: float = Field(default=30.0, ge=1)
    max_age_s: float = Field(default=600.0, ge=1)
    max_stale_s: float = Field(default=14400.0, ge=1)

    @field_validator("algorithms")
    @classmethod
    def _refuse_shared_secrets(cls, value: str) -> str:
        wrong = sorted(set(value.split()) - _SIGNATURES)
        if wrong or not value.split():
            raise ValueError(
                f"expected some of {' '.join(sorted(_SIGNATURES))}, found {' '.join(wrong) or 'none'}"
            )
        return value

    @model_validator(mode="after")
    def _refuse_half_of_it(self) -> Self:
        if bool(self.issuer) != bool(self.audience) or bool(self.issuer) != bool(self.key_set):
            raise ValueError("expected ISSUER, AUDIENCE and KEY_SET together, or none of them")
        if self.max_stale_s < self.max_age_s:
            raise ValueError("expected MAX_STALE_S of at least MAX_AGE_S")
        return self


class AuthSettings(BaseModel):
    """How a server finds out who asks.

    Attributes:
        api_keys: whether API keys of the store are accepted.
        key_pepper: secret that goes into the hash of each key; keys made with another one are not accepted.
        key_cache_s: seconds within which a revocation takes effect on remote stores; on local ones at once.
        is_development: whether somebody who shows nothing may ask as `development`, on loopback only.
    """

    model_config = _FROZEN

    api_keys: bool = False
    key_pepper: SecretStr | None = None
    key_cache_s: float = Field(default=15.0, ge=0, le=300)
    is_development: bool = False
    oidc: OidcSettings = OidcSettings()


class AuditSettings(BaseModel):
    """What is kept of every request, and what happens where it cannot be.

    Attributes:
        store: that takes the log, as `store`; empty takes the collection's.
        questions: what is kept of a question: its digest, or its text, with which it can be asked again.
        on_failure: `refuse` gives no answer without a record; `continue` answers, and counts what is missing.
        sync: whether a record is stored before its answer is given.
        flush_s: seconds a record may wait to be stored, where `sync` is off.
        max_segment_records: records of one object at most.
        max_pending_bytes: memory that records which wait may take, about.
        anchor_s: seconds between two records that name how far other processes' logs were.
    """

    model_config = _FROZEN

    store: str = ""
    questions: Literal["digest", "text"] = "digest"
    on_failure: Literal["refuse", "continue"] = "refuse"
    sync: bool = False
    flush_s: float = Field(default=1.0, gt=0, le=60.0)
    max_segment_records: int = Field(default=1_000, ge=1, le=100_000)
    max_pending_bytes: int = Field(default=64 << 20, ge=1 << 16)
    anchor_s: float = Field(default=600.0, gt=0)


class LogSettings(BaseModel):
    """What is logged, to standard error.

    Attributes:
        level: least level that is written.
        format: `auto` is `console` on a terminal, else `json`: one object a line.
    """

    model_config = _FROZEN

    level: Literal["debug", "info", "warning", "error"] = "warning"
    format: Literal["auto", "console", "json"] = "auto"


class Settings(BaseSettings):
    """All settings, validated and frozen.

    Attributes:
        store: folder, `file:///folder` or `s3://bucket/prefix`.
        collection: name of the corpus within the store.
        cache: folder for copies of segments of remote stores.
        api_key: shown to a server by `eagleray.connect` and `eagleray search --url`.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid"
    )

    store: str = "eagleray-store"
    collection: str = "default"
    cache: str = "~/.cache/eagleray"
    api_key: SecretStr | None = None
    s3: S3Settings = S3Settings()
    embedder: EmbedderSettings = EmbedderSettings()
    reranker: RerankerSettings = RerankerSettings()
    chunker: ChunkerSettings = ChunkerSettings()
    index: IndexSettings = IndexSettings()
    search: SearchSettings = SearchSettings()
    serve: ServeSettings = ServeSettings()
    jobs: JobSettings = JobSettings()
    gate: GateSettings = GateSettings()
    auth: AuthSettings = AuthSettings()
    audit: AuditSettings = AuditSettings()
    log: LogSettings = LogSettings()

    @property
    def options(self) -> str:
        """Options of a command that name this collection, ready for a shell."""
        return f"--store {shlex.quote(self.store)} --collection {shlex.quote(self.collection)}"


def load_settings(**overrides: object) -> Settings:
    """Return the settings from the environment, with `overrides` on top.

    Raises:
        InputError: a name is unknown or a value does not fit; says which and what is allowed.
    """
    known = {f"{_PREFIX}{name}".upper() for name in _setting_names(Settings)}
    unknown = [name for name in os.environ if name.startswith(_PREFIX) and name.upper() not in known]
    if unknown:
        raise InputError(detail=f"unknown setting {sorted(unknown)[0]}; known are {', '.join(sorted(known))}")
    try:
        return Settings(**overrides)  # type: ignore[arg-type]  # pydantic checks the values
    except ValidationError as error:
        first = error.errors()[0]
        name = "__".join(str(part) for part in first["loc"]).upper()
        raise InputError(detail=f"setting {_PREFIX}{name}: {first['msg']}") from error


def forbid_usage_reports() -> None:
    """Set what keeps a Ray cluster that this process starts from reporting its use to anybody."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"


def _setting_names(model: type[BaseModel]) -> list[str]:
    names = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names += [f"{name}__{inner}" for inner in _setting_names(kind)]
            names.append(name)
        else:
            names.append(name)
    return names
