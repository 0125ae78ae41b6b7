"""Routes that move aliases: publish through the gate, and roll back."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from pydantic import ConfigDict, Field

from indexes.inspecting import describe_move
from serve.alias_publisher import Moved
from serve.audit.kinds.alias_moves import Change
from serve.http.access import Publishing
from serve.http.admin.catalog_answers import MovedAnswer
from serve.http.admin.named_collections import Named
from serve.http.answer_models import answered
from serve.http.body_models import Body, show_example
from serve.http.request_ids import read_request_id

router = APIRouter(tags=["publishing"])

_CONFLICT: Final = "The alias does not point to what was expected, or somebody else moved it meanwhile."
_UNFIT: Final = "The snapshot did not pass its gate, or fields are unknown or of another kind."


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


@router.post(
    "/collections/{name}/aliases/{alias}/publish",
    summary="Run the gate on a snapshot and point an alias to it",
    response_model=None,
    responses={
        **answered(MovedAnswer, "The move the alias is at."),
        409: {"description": _CONFLICT},
        422: {"description": _UNFIT},
    },
)
async def publish(alias: str, body: PublishBody, caller: Publishing, collection: Named) -> dict[str, Any]:
    """Publish; the answer comes when the snapshot answers here, or has not within 10 seconds of the move."""
    change = Change(
        action="publish",
        alias=alias,
        principal=caller.principal,
        snapshot=body.snapshot,
        expected=body.expected,
        request_id=read_request_id(),
    )
    return _show(alias, await collection.administration.publisher.publish(change))


@router.post(
    "/collections/{name}/aliases/{alias}/rollback",
    summary="Point an alias back to the snapshot before",
    response_model=None,
    responses={
        **answered(MovedAnswer, "The move the alias is at."),
        409: {"description": _CONFLICT},
    },
)
async def roll_back(alias: str, body: RollbackBody, caller: Publishing, collection: Named) -> dict[str, Any]:
    """Go back; rolling back twice goes back twice."""
    change = Change(
        action="rollback",
        alias=alias,
        principal=caller.principal,
        expected=body.expected,
        request_id=read_request_id(),
    )
    return _show(alias, await collection.administration.publisher.rollback(change))


def _show(alias: str, moved: Moved) -> dict[str, Any]:
    return {**describe_move(alias, moved.entry), "taken": moved.is_taken}
