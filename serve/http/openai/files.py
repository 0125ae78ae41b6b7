"""Files of a caller, in OpenAI's shape: kept until they are put into a vector store, and beyond.

Source: OpenAI's API reference, `/v1/files`.
"""

from __future__ import annotations

import quopri
import re
from base64 import b64decode
from contextlib import suppress
from pathlib import PurePath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Response
from fastapi.responses import JSONResponse

from eagleray.digests import digest_bytes
from eagleray.errors import InputError, NotPublishedError
from serve.http.access import Inspecting, Searching, Writing
from serve.http.answer_models import answered
from serve.http.openai.file_attachment import clear
from serve.http.openai.owned_records import Site, open_own, record_file_use, run_own
from serve.http.openai.upload_answers import (
    DeletedFileAnswer,
    FileAnswer,
    FilesAnswer,
    show_deleted,
    show_file,
    show_page,
)
from serve.http.openai.upload_bodies import After, FileForm
from serve.http.uncancellable_route import UncancellableRoute
from serve.uploads.keeping import OwnRecords
from serve.uploads.paging import Order, WantedPage, find_bounds
from serve.uploads.records import FileRecord, make_name, read_clock

PATH: Final = "/v1/files"
MAX_BYTES: Final = 32 << 20
"""Of one file."""

_MAX_NAME: Final = 255
_ENCODED_WORD: Final = re.compile(r"=\?utf-8\?([bq])\?([^?]*)\?=", re.IGNORECASE)
_BYTES: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}

router = APIRouter(tags=["files"], route_class=UncancellableRoute)


@router.post(PATH, summary="Upload a file", response_model=None, responses=answered(FileAnswer))
async def upload_file(
    form: Annotated[FileForm, Form(media_type="multipart/form-data")], caller: Writing, site: Site
) -> dict[str, Any]:
    """Keep a file; nothing finds it before it is in a vector store."""
    own = open_own(site, caller)
    data = await form.file.read()
    filename = _read_name(form.file.filename or "")
    if not data or len(data) > MAX_BYTES:
        raise InputError(detail=f"file: expected 1 to {MAX_BYTES} bytes, found {len(data)}")
    if not filename.strip(" .") or len(filename) > _MAX_NAME:
        raise InputError(detail=f"file: expected a name of 1 to {_MAX_NAME} characters")
    now = read_clock()
    file = FileRecord(
        file_id=make_name("file-"),
        created=now,
        filename=filename,
        purpose=form.purpose,
        n_bytes=len(data),
        sha256=await run_own(digest_bytes, data),
        expires=now + form.seconds * 1_000_000 if form.seconds else 0,
    )
    parameters = {"file": file.file_id, "n_bytes": file.n_bytes, "sha256": file.sha256}
    async with record_file_use(
        site, caller, "upload_file", parameters=parameters, texts={"filename": filename}
    ):
        await run_own(own.add_file, file, data)
    return show_file(file)


@router.get(PATH, summary="The caller's files", response_model=None, responses=answered(FilesAnswer))
async def list_files(
    caller: Inspecting,
    site: Site,
    purpose: Annotated[str, Query(max_length=64)] = "",
    limit: Annotated[int, Query(ge=1, le=10_000)] = 10_000,
    order: Order = "desc",
    after: After = "",
) -> JSONResponse:
    """List them; what is written of many files takes longer than others should wait."""
    own, wanted = open_own(site, caller), WantedPage(limit=limit, order=order, after=after)
    return await run_own(_list_page, own, purpose, wanted)


@router.get(
    PATH + "/{file_id}", summary="One of the files", response_model=None, responses=answered(FileAnswer)
)
async def retrieve_file(file_id: str, caller: Inspecting, site: Site) -> dict[str, Any]:
    """Show it."""
    return show_file(await run_own(open_own(site, caller).find_file, file_id))


@router.get(
    PATH + "/{file_id}/content",
    summary="The bytes of a file",
    response_class=Response,
    responses={200: {"content": _BYTES, "description": "As they were uploaded."}},
)
async def retrieve_file_content(file_id: str, caller: Searching, site: Site) -> Response:
    """Return them."""
    own = open_own(site, caller)
    async with record_file_use(site, caller, "read_file", parameters={"file": file_id[:64]}):
        file = await run_own(own.find_file, file_id)
        data = await run_own(own.read_content, file)
    return Response(
        data, media_type="application/octet-stream", headers={"x-content-type-options": "nosniff"}
    )


@router.delete(
    PATH + "/{file_id}", summary="Delete a file", response_model=None, responses=answered(DeletedFileAnswer)
)
async def delete_file(file_id: str, caller: Writing, site: Site) -> dict[str, Any]:
    """Remove it, and take it out of every vector store."""
    own = open_own(site, caller)
    async with record_file_use(site, caller, "delete_file", parameters={"file": file_id[:64]}):
        was_there = await run_own(own.delete_file, file_id)
        n_left = await clear(site, caller.principal, own, files={file_id})
        if not (was_there or n_left):
            raise NotPublishedError(name=file_id, detail="you have nothing of this name here")
    return show_deleted(file_id, "file")


def _read_name(given: str) -> str:
    """Return a file's name without the folders before it.

    Clients in .NET and of Spring write a name that is not ASCII as an encoded word.

    Source: RFC 2047, section 4.
    """
    if word := _ENCODED_WORD.fullmatch(given):
        is_base64, data = word[1] in "bB", word[2].encode()
        with suppress(ValueError):  # then it is a name like any other
            given = (
                b64decode(data, validate=True) if is_base64 else quopri.decodestring(data, True)
            ).decode()
    return PurePath(given.replace("\\", "/")).name


def _list_page(own: OwnRecords, purpose: str, wanted: WantedPage) -> JSONResponse:
    files = own.list_files()
    bounds = find_bounds(files, wanted, find_gone=own.find_gone)
    found = [file for file in files if purpose in ("", file.purpose)]
    return JSONResponse(show_page(found, wanted, bounds, show=show_file))
