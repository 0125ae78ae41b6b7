"""Where the answer of a response is looked for: a collection, or a vector store of the caller."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from eagleray.contracts.callers import Caller
from eagleray.contracts.cited_answers import AskRequest, Citation
from eagleray.contracts.filters import And
from eagleray.errors import NotPublishedError
from serve.http.openai.file_citations import name_document
from serve.http.openai.held_files import choose_rows, find_held, narrow
from serve.http.openai.owned_records import UploadSite, open_own, run_own
from serve.http.openai.response_bodies import ResponseBody
from serve.http.serving import ServedCollection, ServedCollections
from serve.uploads.keeping import OwnRecords
from serve.uploads.records import Attached, is_name


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseSite:
    """What is asked.

    Attributes:
        collection: that has the rows.
        request: the question, of its caller, bounded to these rows.
        own: records of the caller, where a vector store is asked.
        files: source -> file of the vector store.
    """

    collection: ServedCollection
    request: AskRequest
    own: OwnRecords | None = None
    files: Mapping[str, Attached] = field(default_factory=dict)

    async def check_there(self, sources: Iterable[str]) -> None:
        """Hold the sources of what is cited against what is still there.

        Raises:
            NotPublishedError: a file was deleted since it was read.
        """
        own = self.own
        if own is None:
            return
        for source in set(sources):
            file = self.files.get(source)
            if file is None or not await run_own(own.has_file, file.file_id):
                raise NotPublishedError(name=source, detail="a file was deleted while it was read")

    def find_file(self, citation: Citation) -> tuple[str, str]:
        """Return id and name of the file that is cited; those of a document, where a collection is asked."""
        if self.own is None:
            return name_document(citation)
        file = self.files[citation.source]
        return file.file_id, file.filename


async def find_site(
    body: ResponseBody, caller: Caller, collections: ServedCollections, uploads: UploadSite
) -> ResponseSite:
    """Return what a request asks.

    Raises:
        NotPublishedError: there is no such vector store or collection, or not for this caller.
    """
    request = body.to_request(caller.principal)
    if not body.place:
        return ResponseSite(collection=collections.find_default(caller), request=request)
    if not is_name(body.place):
        return ResponseSite(collection=collections.find(body.place, caller), request=request)
    own = open_own(uploads, caller)
    held = await run_own(find_held, own, body.place)
    rows, asked = choose_rows(held, None), request.search.filter
    search = replace(
        request.search,
        filter=rows if asked is None else And(operands=(rows, asked)),
        principal=narrow(caller.principal),
    )
    return ResponseSite(
        collection=uploads.collection,
        request=replace(request, search=search),
        own=own,
        files={item.source: item for item in held.findable},
    )
