"""Enrichers: opened by the names that settings give them, and held to what their port allows.

An enricher is somebody else's code. It may change a document's attributes and nothing else; whatever it
raises, or returns beyond that, sets documents aside and ends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from eagleray.contracts.documents import AttributeValue, DeadLetter, DeadLetterReason, Document
from eagleray.contracts.enrichment import Enricher, RefusedDocument, WorkerResources
from eagleray.digests import digest_json
from eagleray.documents.decoding import find_unstorable
from eagleray.documents.mapping_attributes import check_attributes, convert_open_attribute
from eagleray.documents.mapping_values import RuleError
from eagleray.errors import InputError
from eagleray.extensions import import_extension
from eagleray.text_forms import normalise

MAX_BATCH_CHARACTERS: Final = 8 << 20
"""Text of one batch, unless a single document has more."""

_NAME: Final = re.compile(r"[a-z0-9-]{1,40}")
_MAX_DETAIL: Final = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class EnricherSpec:
    """An enricher as a run plans with it.

    Attributes:
        path: `package.module:attribute`, which is called without arguments.
    """

    path: str
    name: str
    digest: str
    batch_size: int
    resources: WorkerResources


def describe_enrichers(paths: Sequence[str]) -> tuple[EnricherSpec, ...]:
    """Return what a run needs to know of its enrichers, in their order.

    Raises:
        InputError: one cannot be opened, or two have one name.
    """
    specs = tuple(_describe(path, _open(path)) for path in paths)
    names = [spec.name for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise InputError(detail=f"two enrichers have the name {name!r}; give each its own")
    return specs


def open_enricher(spec: EnricherSpec) -> Enricher:
    """Return an enricher, where its batches are worked on.

    Raises:
        InputError: it cannot be opened, or is another one than the run was planned with.
    """
    enricher = _open(spec.path)
    found = _describe(spec.path, enricher)
    if found != spec:
        detail = f"enricher {spec.path}: expected the digest {spec.digest}, found {found.digest}"
        raise InputError(detail=f"{detail}; install the same version on every machine of the cluster")
    return enricher


def digest_preparation(mapping_digest: str, enrichers: Sequence[EnricherSpec]) -> str:
    """Return the digest of all that makes documents of records; without enrichers it is the mapping's."""
    if not enrichers:
        return mapping_digest
    return digest_json([mapping_digest, *([spec.name, spec.digest, spec.batch_size] for spec in enrichers)])


def cut_batches(documents: Iterable[Document], *, size: int) -> Iterator[list[Document]]:
    """Yield consecutive documents, at most `size` and, unless one alone has more, so many characters."""
    batch: list[Document] = []
    n_characters = 0
    for document in documents:
        if batch and (len(batch) == size or n_characters + len(document.text) > MAX_BATCH_CHARACTERS):
            yield batch
            batch, n_characters = [], 0
        batch.append(document)
        n_characters += len(document.text)
    if batch:
        yield batch


def enrich_batch(enricher: Enricher, documents: Sequence[Document]) -> list[Document | DeadLetter]:
    """Return what an enricher makes of each document of a batch, in their order.

    Where it raises, each document is tried alone, so that only those are set aside that it cannot take.
    """
    given = [replace(document, attributes=dict(document.attributes)) for document in documents]
    try:
        found = list(enricher.enrich(given))
    except Exception as error:  # noqa: BLE001 - somebody else's code may raise anything, and ends no run
        if len(documents) > 1:
            return [item for document in documents for item in enrich_batch(enricher, [document])]
        detail = f"the enricher {enricher.name} failed on it ({type(error).__name__}); retry when it works"
        return [_reject(documents[0], DeadLetterReason.ENRICHER_FAILED, detail)]
    if len(found) != len(documents):
        detail = f"the enricher {enricher.name} returned {len(found)} items for {len(documents)} documents"
        return [_reject(document, DeadLetterReason.ENRICHER_FAILED, detail) for document in documents]
    return [
        _check(document, item, name=enricher.name) for document, item in zip(documents, found, strict=True)
    ]


def _check(document: Document, found: object, *, name: str) -> Document | DeadLetter:
    if isinstance(found, RefusedDocument):
        return _reject(document, DeadLetterReason.REFUSED, f"{name}: {found.detail}"[:_MAX_DETAIL])
    if not isinstance(found, Document) or replace(found, attributes=document.attributes) != document:
        detail = f"the enricher {name} returned something else than the document with other attributes"
        return _reject(document, DeadLetterReason.ENRICHER_FAILED, detail)
    try:
        return replace(document, attributes=_check_attributes(found.attributes))
    except RuleError as fault:
        return _reject(document, fault.reason, f"the enricher {name}: {fault.detail}")


def _check_attributes(attributes: Mapping[str, Any]) -> dict[str, AttributeValue]:
    """Return attributes as a mapping would have left them.

    Raises:
        RuleError: a document cannot have them.
    """
    kept: dict[str, AttributeValue] = {}
    for name, value in attributes.items():
        converted = convert_open_attribute(value, name)
        if converted is None:
            detail = f"attribute {name!r}: expected text, a number, a boolean or a list of text"
            raise RuleError(reason=DeadLetterReason.WRONG_TYPE, detail=detail)
        for text in (name, *(converted if isinstance(converted, tuple) else (converted,))):
            fault = find_unstorable(text) if isinstance(text, str) else ""
            if fault:
                raise RuleError(reason=DeadLetterReason.INVALID_ENCODING, detail=f"attribute: {fault}")
        kept[normalise(name)] = converted
    check_attributes(kept)
    return dict(sorted(kept.items()))


def _reject(document: Document, reason: DeadLetterReason, detail: str) -> DeadLetter:
    return DeadLetter(
        source=document.source,
        position=document.position,
        reason=reason,
        detail=detail,
        doc_id=document.doc_id,
    )


def _open(path: str) -> Enricher:
    make = import_extension(path, setting="EAGLERAY_JOBS__ENRICHERS")
    try:
        made: Enricher = make()
    except Exception as error:  # making it runs somebody else's code
        detail = f"enricher {path!r}: expected what can be called without arguments, found"
        raise InputError(detail=f"{detail} {type(error).__name__}: {error}") from error
    return made


def _describe(path: str, enricher: Enricher) -> EnricherSpec:
    try:
        spec = EnricherSpec(
            path=path,
            name=enricher.name,
            digest=enricher.digest,
            batch_size=enricher.batch_size,
            resources=enricher.resources,
        )
        is_named = _NAME.fullmatch(spec.name) is not None and bool(spec.digest)
        is_one = is_named and spec.batch_size > 0 and callable(enricher.enrich)
    except (AttributeError, TypeError) as error:
        raise InputError(detail=f"enricher {path}: {error}") from error
    if not is_one:
        wanted = "a name of lower-case letters, digits and hyphens, a digest and a batch size of at least 1"
        found = f"{spec.name!r}, {spec.digest!r} and {spec.batch_size}"
        raise InputError(detail=f"enricher {path}: expected {wanted}, found {found}")
    return spec
