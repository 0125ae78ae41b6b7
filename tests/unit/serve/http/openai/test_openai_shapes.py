"""The published description has what the types of OpenAI's own package have."""

from __future__ import annotations

import typing

import pytest
from openai.types import (
    CreateEmbeddingResponse,
    EmbeddingCreateParams,
    FileCreateParams,
    FileDeleted,
    FileListParams,
    FileObject,
    Model,
    VectorStore,
    VectorStoreCreateParams,
    VectorStoreDeleted,
    VectorStoreListParams,
    VectorStoreSearchParams,
    VectorStoreSearchResponse,
    VectorStoreUpdateParams,
)
from openai.types.vector_stores import (
    FileBatchCreateParams,
    FileBatchListFilesParams,
    FileContentResponse,
    FileUpdateParams,
    VectorStoreFile,
    VectorStoreFileBatch,
    VectorStoreFileDeleted,
)
from openai.types.vector_stores import FileCreateParams as AttachParams
from openai.types.vector_stores import FileListParams as AttachedListParams

ANSWERS = {
    "FileAnswer": FileObject,
    "DeletedFileAnswer": FileDeleted,
    "StoreAnswer": VectorStore,
    "DeletedStoreAnswer": VectorStoreDeleted,
    "AttachedAnswer": VectorStoreFile,
    "DeletedAttachedAnswer": VectorStoreFileDeleted,
    "FileBatchAnswer": VectorStoreFileBatch,
    "TextAnswer": FileContentResponse,
    "ResultAnswer": VectorStoreSearchResponse,
    "EmbeddingsAnswer": CreateEmbeddingResponse,
    "ModelAnswer": Model,
}
BODIES = {
    "FileForm": FileCreateParams,
    "StoreBody": VectorStoreCreateParams,
    "StoreChangeBody": VectorStoreUpdateParams,
    "StoreSearchBody": VectorStoreSearchParams,
    "AttachBody": AttachParams,
    "AttributesBody": FileUpdateParams,
    "FileBatchBody": FileBatchCreateParams,
    "EmbeddingBody": EmbeddingCreateParams,
}
LISTS = {
    "/v1/files": FileListParams,
    "/v1/vector_stores": VectorStoreListParams,
    "/v1/vector_stores/{vector_store_id}/files": AttachedListParams,
    "/v1/vector_stores/{vector_store_id}/file_batches/{batch_id}/files": FileBatchListFilesParams,
}
IN_PATHS = {"vector_store_id"}
"""What the client's parameters of a request have, and a path does."""


def list_values(schema, described):
    """Return the values that a schema allows, where it lists them."""
    if "$ref" in schema:
        schema = described["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    found = set(schema.get("enum", ()))
    for part in schema.get("anyOf", ()):
        found |= list_values(part, described)
    return found


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_has_every_field_of_openais_and_no_value_it_does_not_know(described, name):
    ours, theirs = described["components"]["schemas"][name], ANSWERS[name]
    assert theirs.model_fields.keys() <= ours["properties"].keys()
    required = {key for key, field in theirs.model_fields.items() if field.is_required()}
    assert required <= set(ours["required"])
    for key, field in theirs.model_fields.items():
        known = {
            value
            for part in (field.annotation, *typing.get_args(field.annotation))
            if typing.get_origin(part) is typing.Literal
            for value in typing.get_args(part)
        }
        assert list_values(ours["properties"][key], described) <= known if known else True, key


@pytest.mark.parametrize("name", BODIES)
def test_a_body_takes_every_field_of_openais_and_requires_no_other(described, name):
    ours, theirs = described["components"]["schemas"][name], BODIES[name]
    assert theirs.__annotations__.keys() - IN_PATHS <= ours["properties"].keys()
    hints = typing.get_type_hints(theirs, include_extras=True)
    required = {key for key, hint in hints.items() if typing.get_origin(hint) is typing.Required}
    assert set(ours.get("required", ())) <= required


@pytest.mark.parametrize("path", LISTS)
def test_a_list_takes_every_parameter_of_openais(described, path):
    given = {item["name"] for item in described["paths"][path]["get"]["parameters"]}
    assert LISTS[path].__annotations__.keys() <= given
