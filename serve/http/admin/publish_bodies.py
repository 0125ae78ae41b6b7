"""What requests that move an alias carry."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from serve.http.body_models import Body, show_example

_ID = r"^[0-9a-f]{64}$"
_EXPECTED = "Whole id that the alias must point to; otherwise nothing is done."


class PublishBody(Body):
    """Which snapshot an alias shall point to."""

    model_config = show_example(snapshot="3b1f7c20")

    snapshot: str = Field(
        min_length=1, max_length=64, description="Id, at least 8 digits of its beginning, or another alias."
    )
    expected: str | None = Field(default=None, pattern=_ID, description=_EXPECTED)


class RollbackBody(Body):
    """From where an alias shall go back."""

    model_config = ConfigDict(json_schema_extra={"examples": [{}, {"expected": "3b1f" * 16}]})

    expected: str | None = Field(default=None, pattern=_ID, description=_EXPECTED)
