"""A collector of spans that speaks OTLP over gRPC, and keeps what comes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps the spans that come, and the attributes of their senders."""

    def __init__(self):
        self.spans, self.senders = [], []

    def Export(self, request, context):  # noqa: N802 - as the protocol names it
        for sent in request.resource_spans:
            self.senders.append({item.key: item.value.string_value for item in sent.resource.attributes})
            for scope in sent.scope_spans:
                self.spans += scope.spans
        return trace_service_pb2.ExportTraceServiceResponse()


@contextmanager
def collecting():
    """Listen on a free port of loopback for the length of a block: what came, and where to send it."""
    kept = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(kept, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        yield kept, f"http://127.0.0.1:{port}"
    finally:
        server.stop(grace=None).wait()
