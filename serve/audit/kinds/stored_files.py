"""Uses of callers' files, vector stores and kept responses: which one, and by whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import NoneType
from typing import Any, Final, Literal, get_args

from eagleray.contracts.principals import Principal
from serve.audit.entries import ReplyDetails, RequestDetails
from serve.audit.request_kinds import RequestKind

FileAction = Literal[
    "upload_file",
    "read_file",
    "delete_file",
    "create_vector_store",
    "delete_vector_store",
    "read_response",
    "delete_response",
]
"""What is done to a file, a vector store or a kept response."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileUse:
    """A use of a file, a vector store or a kept response.

    Attributes:
        parameters: JSON values that hold no text of the caller's.
        texts: JSON values that do.
    """

    action: FileAction
    principal: Principal
    parameters: Mapping[str, Any]
    texts: Mapping[str, Any] = field(default_factory=dict)


def _describe_request(use: FileUse) -> RequestDetails:
    return RequestDetails(
        action=use.action, principal=use.principal, parameters=use.parameters, texts=use.texts
    )


FILE_USE: Final = RequestKind(
    actions=get_args(FileAction),
    requests=FileUse,
    replies=NoneType,
    describe_request=_describe_request,
    describe_reply=lambda _: ReplyDetails(),
)
