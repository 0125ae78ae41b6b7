"""Traces: spans of requests and of what they waited for, sent to a collector where one is named."""
