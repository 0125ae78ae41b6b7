"""Spans of what a request is made of; without a collector they cost a call and go nowhere.

Attributes hold names, ids and counts: never text of a document or a question, a group or a credential.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final, TypeAlias

from opentelemetry import context, propagate, trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

Value: TypeAlias = str | int | float | bool
Carrier: TypeAlias = Mapping[str, str]

_TRACER: Final = trace.get_tracer("eagleray")
_NS_A_MS: Final = 1_000_000


@contextmanager
def span(name: str, **attributes: Value) -> Iterator[Span]:
    """Make a span of the block, within the one around it; where there is none, nothing is traced.

    An error that ends the block is named by its class; its message may quote what was asked.

    Args:
        name: what is done.
        **attributes: below `eagleray.`.
    """
    if not trace.get_current_span().get_span_context().is_valid:
        yield trace.INVALID_SPAN
        return
    with _TRACER.start_as_current_span(name, record_exception=False, set_status_on_exception=False) as made:
        describe(made, **attributes)
        with _named_errors(made):
            yield made


@contextmanager
def span_of_request(name: str, headers: Carrier, attributes: Mapping[str, Value]) -> Iterator[Span]:
    """Make a span of a request, within its caller's if the headers name one.

    Args:
        name: method and template of the route.
        headers: of the request, names in lower case.
        attributes: by OpenTelemetry's conventions for HTTP.
    """
    with (
        _TRACER.start_as_current_span(
            name,
            context=propagate.extract(headers),
            kind=SpanKind.SERVER,
            attributes=attributes,
            record_exception=False,
            set_status_on_exception=False,
        ) as made,
        _named_errors(made),
    ):
        yield made


def carry() -> Carrier:
    """Return what names the span around, for another process to continue; empty where there is none."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


@contextmanager
def continued(carrier: Carrier) -> Iterator[None]:
    """Make what is done in the block part of the trace that another process carried here.

    Args:
        carrier: of `carry`.
    """
    token = context.attach(propagate.extract(carrier))
    try:
        yield
    finally:
        context.detach(token)


def describe(made: Span, **attributes: Value) -> None:
    """Add attributes to a span, their names below `eagleray.`."""
    if made.is_recording():
        made.set_attributes({f"eagleray.{name}": value for name, value in attributes.items()})


def mark_steps(steps_ms: Mapping[str, float]) -> None:
    """Make a span of each step that has just ended, one after another, within the span around.

    Args:
        steps_ms: name -> milliseconds it took, the first first.
    """
    if not trace.get_current_span().is_recording():
        return
    begin = time.time_ns() - round(sum(steps_ms.values()) * _NS_A_MS)
    for name, took_ms in steps_ms.items():
        end = begin + round(took_ms * _NS_A_MS)
        _TRACER.start_span(name, start_time=begin).end(end_time=end)
        begin = end


@contextmanager
def _named_errors(made: Span) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        made.set_attribute("error.type", type(error).__name__)
        made.set_status(Status(StatusCode.ERROR))
        raise
