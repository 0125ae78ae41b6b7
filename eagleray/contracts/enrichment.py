"""What may be learnt of documents before they are chunked: the port of an enricher, and what it gives back.

Enrichers are opened and held to their port in `eagleray.documents.enrichment`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from eagleray.contracts.documents import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerResources:
    """What each worker of a stage takes of the cluster, beside one CPU.

    Attributes:
        n_gpus: GPUs, in parts of one.
        memory_bytes: memory; `None` takes as much as every worker of the run.
    """

    n_gpus: float = 0.0
    memory_bytes: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedDocument:
    """What an enricher returns for a document that must not be indexed: it becomes a dead letter.

    Attributes:
        detail: why, and what to do, in one sentence; never document text.
    """

    detail: str


class Enricher(Protocol):
    """Gives documents attributes, or refuses them, after they are parsed and before they are chunked.

    One is made in the process that plans and one in each worker, so what takes long, such as loading a model,
    belongs into the first call of `enrich`. What comes of a batch must depend on its documents alone.
    """

    @property
    def name(self) -> str:
        """Name of its stage: lower-case letters, digits and hyphens."""
        ...

    @property
    def digest(self) -> str:
        """Of everything its results depend on beside the documents: code, model, prompts.

        Where it changes, every document is read and enriched again.
        """
        ...

    @property
    def batch_size(self) -> int:
        """Documents of one batch at most."""
        ...

    @property
    def resources(self) -> WorkerResources:
        """What each of its workers takes."""
        ...

    def enrich(self, documents: Sequence[Document]) -> Sequence[Document | RefusedDocument]:
        """Return each document with its attributes, or a refusal, in the order of the batch.

        Whatever it raises makes dead letters and never ends a run.

        Args:
            documents: consecutive ones of one split of the source. Which ones are together depends on the
                input and the settings, never on the number of workers.
        """
        ...
