"""Settings of servers: what they take on, whom they answer, what they keep and tell of it."""

from __future__ import annotations

import ipaddress
from typing import Final, Literal, Self

from pydantic import (
    BaseModel,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from eagleray.setting_groups import FROZEN

_SIGNATURES: Final = frozenset(f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512))
"""Signatures by a private key (RFC 7518, section 3.1): who holds the public key cannot make them."""

MetricsReaders = Literal["callers", "loopback", "off"]
"""Who may read a server's metrics: callers with a role, anyone on loopback, or nobody."""


class ServeSettings(BaseModel):
    """How much one serving process takes on.

    Attributes:
        collections: served beside the settings' own one, words with spaces between; `*` for all of the
            store, also those published later.
        features: `package.module:attribute` of each feature of another package that is served beside those of
            this one, words with spaces between.
        threads: searches at work at once; 0 for one a core.
        max_waiting: requests that may wait for a thread, and questions that may wait to be embedded; one more
            is refused, to be asked again later.
        timeout_s: seconds a request may take, waiting included.
        poll_s: seconds between two looks at the alias.
        max_connections: open at once; one more is refused.
        max_connections_per_peer: of one address, or of one IPv6 network of 64 bits; one more is refused.
        trusted_proxies: addresses or networks, words with spaces between, that speak for many callers, and
            that `max_connections_per_peer` does not bound.
        head_timeout_s: seconds in which the head of a request must have come.
        idle_timeout_s: seconds that a connection stays open between two requests.
        write_timeout_s: seconds in which a peer must take 64 KB of an answer, or what is left of it.
        max_body_bytes: that the bodies of all requests at work may have together, and those of all answers
            on their way as much again; one caller may hold as much as is free, so half of it where nobody
            else does.
        embed_max_waiting: texts that may wait to be embedded; a request that would exceed it is refused.
        embed_timeout_s: seconds that embedding the texts of a request may take, waiting included.
        write_niceness: how much lower the priority of what writes documents is, as `nice` counts.
        rerank_max_waiting: documents that may wait to be scored; a request that would exceed it is refused.
        rerank_timeout_s: seconds that scoring the documents of a request may take, waiting included.
        requests_per_s: that each caller may make of this process; 0 for no bound.
        texts_per_s: that each caller may have embedded by this process; 0 for no bound.
        burst_s: seconds' worth of both that a caller may take at once.
        response_days: for which a response is kept, that its caller may continue.
        max_responses: that are kept for each caller, the newest ones; 0 keeps none.
        metrics: who may read `/metrics`: `callers` that are known and have a role; `loopback`, whoever asks a
            server that listens on loopback alone; `off`, nobody.
    """

    model_config = FROZEN

    collections: str = ""
    features: str = ""
    threads: int = Field(default=0, ge=0, le=256)
    max_waiting: int = Field(default=64, ge=0)
    timeout_s: float = Field(default=30.0, gt=0.0)
    poll_s: float = Field(default=0.25, gt=0.0)
    max_connections: int = Field(default=1024, ge=1)
    max_connections_per_peer: int = Field(default=512, ge=1)
    trusted_proxies: str = ""
    head_timeout_s: float = Field(default=10.0, gt=0.0)
    idle_timeout_s: int = Field(default=75, ge=1, le=3600)
    write_timeout_s: float = Field(default=20.0, gt=0.0)
    max_body_bytes: int = Field(default=256 << 20, ge=1 << 20)
    embed_max_waiting: int = Field(default=4096, ge=1)
    embed_timeout_s: float = Field(default=120.0, gt=0.0)
    write_niceness: int = Field(default=10, ge=0, le=19)
    rerank_max_waiting: int = Field(default=4096, ge=1)
    rerank_timeout_s: float = Field(default=120.0, gt=0.0)
    requests_per_s: float = Field(default=0.0, ge=0.0, le=1e6, allow_inf_nan=False)
    texts_per_s: float = Field(default=0.0, ge=0.0, le=1e6, allow_inf_nan=False)
    burst_s: float = Field(default=10.0, gt=0.0, le=3600.0)
    response_days: int = Field(default=30, ge=1, le=365)
    max_responses: int = Field(default=1_000, ge=0, le=100_000)
    metrics: MetricsReaders = "callers"

    @field_validator("trusted_proxies")
    @classmethod
    def _check_networks(cls, value: str) -> str:
        for word in value.split():
            ipaddress.ip_network(word)  # says in its error what is wrong
        return value


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
        collections_claim: claim that holds the collections; empty where every one may be seen.
        is_reader_by_default: whether a token without that claim makes a reader; otherwise it allows nothing.
        timeout_s: seconds a request for the key set may take.
        min_interval_s: least seconds between two requests for it, whatever the tokens say.
        max_age_s: seconds after which it is asked for again, so that a key that is gone is refused.
        max_stale_s: seconds the last good set is used where no new one can be had.
    """

    model_config = FROZEN

    issuer: str = ""
    audience: str = ""
    key_set: str = ""
    algorithms: str = "RS256 PS256 ES256"
    leeway_s: int = Field(default=60, ge=0, le=300)
    groups_claim: str = Field(default="groups", min_length=1)
    zones_claim: str = "zones"
    roles_claim: str = Field(default="roles", min_length=1)
    collections_claim: str = ""
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
        is_development: whether unauthenticated requests are answered, as `development`, on loopback only.
    """

    model_config = FROZEN

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

    model_config = FROZEN

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

    model_config = FROZEN

    level: Literal["debug", "info", "warning", "error"] = "warning"
    format: Literal["auto", "console", "json"] = "auto"


class TracingSettings(BaseModel):
    """Where the spans of requests are sent.

    Attributes:
        endpoint: of a collector that speaks OTLP over gRPC, such as `http://host:4317`; empty sends nothing.
        service: name of this server among the traced ones.
        sample: share of the requests that are traced, where their callers have not decided it.
    """

    model_config = FROZEN

    endpoint: str = Field(default="", pattern=r"^(https?://\S+)?$")
    service: str = Field(default="eagleray", min_length=1, max_length=128)
    sample: float = Field(default=1.0, ge=0.0, le=1.0)
