"""What the application of Ray Serve is built with; everything else are settings."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from eagleray.settings import Settings, load_settings
from indexes.built_embedder import recall_embedder
from serve.deployments.scaling import Pace, ReplicaRange, Replicas


class Arguments(BaseModel):
    """Arguments of `serve run serve.app:build`.

    They travel through Ray, so there is no secret among them: each replica reads `EAGLERAY_…` from the
    environment of its own process. Replicas are a number, or a range such as `1-4` (see `read_replicas`).

    Attributes:
        store: the setting where it is empty.
        collection: the setting where it is empty.
        collections: served beside it, words with spaces between, or `*` for all; the setting where it is
            empty.
        alias: whose snapshot answers, also after it moves.
        is_development: whether unauthenticated requests are answered, on loopback only.
        ingresses: replicas that speak HTTP, each with an audit chain of its own.
        searchers: replicas that search.
        encoders: replicas that embed texts for those who ask for vectors.
        rankers: replicas that score documents, where the settings name a reranker.
        writers: how many replicas write documents; one writes those of all callers together, so no range.
        threads: searches that one searcher has at work at once; Ray sets aside a core for every two.
        shards: groups of searchers that share out the segments; with more than one, mergers ask all of them.
        mergers: replicas that merge what shards find.
        scale_up_s: seconds that a load must last before there are more replicas of a range.
        scale_down_s: seconds that it must be over before there are fewer.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    store: str = ""
    collection: str = ""
    collections: str = ""
    alias: str = Field(default="live", min_length=1)
    is_development: bool = False
    ingresses: ReplicaRange = Replicas()
    searchers: ReplicaRange = Replicas()
    encoders: ReplicaRange = Replicas()
    rankers: ReplicaRange = Replicas()
    writers: int = Field(default=1, ge=1)
    threads: int = Field(default=1, ge=1, le=256)
    shards: int = Field(default=1, ge=1, le=64)
    mergers: ReplicaRange = Replicas()
    scale_up_s: float = Field(default=10.0, ge=0.0)
    scale_down_s: float = Field(default=300.0, ge=0.0)

    @property
    def n_merged(self) -> int:
        """Searches that a merger has at work at once: while one is with the shards, another is merged."""
        return 2 * self.threads * self.searchers.most

    @property
    def pace(self) -> Pace:
        """When replicas follow the load."""
        return Pace(up_s=self.scale_up_s, down_s=self.scale_down_s)

    def read_settings(self) -> Settings:
        """Return the settings of this process's environment, with these arguments on top.

        Where they name no embedder, it is the one that the collection was built with.

        Raises:
            InputError: a setting is unknown or does not fit.
            StoreError: the store failed.
        """
        given = {"store": self.store, "collection": self.collection}
        settings = load_settings(**{name: value for name, value in given.items() if value})
        is_development = self.is_development or settings.auth.is_development
        chosen = {"threads": self.threads, "collections": self.collections or settings.serve.collections}
        return recall_embedder(settings).model_copy(
            update={
                "serve": settings.serve.model_copy(update=chosen),
                "auth": settings.auth.model_copy(update={"is_development": is_development}),
            }
        )
