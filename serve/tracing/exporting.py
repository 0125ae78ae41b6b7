"""Sends spans to the collector that the settings name."""

from __future__ import annotations

from importlib.metadata import version
from typing import Final

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased

from eagleray.setting_groups.serving import TracingSettings

_TIMEOUT_S: Final = 3
"""Of one attempt to send; spans that cannot be sent are dropped, and nothing waits for them."""


def start_tracing(settings: TracingSettings) -> TracerProvider | None:
    """Begin to send the spans of this process; do nothing where no collector is named.

    Returns:
        What to shut down in the end, so that the last spans are sent, too.
    """
    if not settings.endpoint:
        return None
    resource = Resource.create({"service.name": settings.service, "service.version": version("eagleray")})
    provider = TracerProvider(
        resource=resource, sampler=ParentBased(TraceIdRatioBased(settings.sample)), shutdown_on_exit=False
    )
    is_plain = settings.endpoint.startswith("http://")
    exporter = OTLPSpanExporter(endpoint=settings.endpoint, insecure=is_plain, timeout=_TIMEOUT_S)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return provider
