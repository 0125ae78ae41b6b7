"""What the application of Ray Serve is built with; everything else are settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from eagleray.settings import Settings, load_settings


class Arguments(BaseModel):
    """Arguments of `serve run serve.app:build`.

    They travel through Ray, so there is no secret among them: each replica reads `EAGLERAY_…` from the
    environment of its own process.

    Attributes:
        store: the setting where it is empty.
        collection: the setting where it is empty.
        alias: whose snapshot answers, also after it moves.
        is_development: whether who shows nothing may ask, on loopback alone.
        ingresses: replicas that speak HTTP, each with an audit chain of its own.
        searchers: replicas that search.
        encoders: replicas that embed texts for those who ask for vectors.
        threads: searches that one searcher has at work at once; Ray sets aside a core for every two.
        shards: groups of searchers that share out the segments; with more than one, mergers ask all of them.
        mergers: replicas that merge what shards find.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str = ""
    collection: str = ""
    alias: str = Field(default="live", min_length=1)
    is_development: bool = False
    ingresses: int = Field(default=1, ge=1)
    searchers: int = Field(default=1, ge=1)
    encoders: int = Field(default=1, ge=1)
    threads: int = Field(default=1, ge=1, le=256)
    shards: int = Field(default=1, ge=1, le=64)
    mergers: int = Field(default=1, ge=1)

    @property
    def n_merged(self) -> int:
        """Searches that a merger has at work at once: while one is with the shards, another is merged."""
        return 2 * self.threads * self.searchers

    def read_settings(self) -> Settings:
        """Return the settings of this process's environment, with these arguments on top.

        Raises:
            InputError: a setting is unknown or does not fit.
        """
        given = {"store": self.store, "collection": self.collection}
        settings = load_settings(**{name: value for name, value in given.items() if value})
        is_development = self.is_development or settings.auth.is_development
        return settings.model_copy(
            update={
                "serve": settings.serve.model_copy(update={"threads": self.threads}),
                "auth": settings.auth.model_copy(update={"is_development": is_development}),
            }
        )
