"""OpenAI's client, of the version that is imported, reading every answer strictly: vectors, files, stores."""

import json
import sys

import openai

given = json.load(sys.stdin)
reached = {"base_url": given["url"] + "/v1", "api_key": given["key"], "max_retries": 0}
client = openai.OpenAI(**reached, _strict_response_validation=True)
# by default the client asks for base64, and where it is strict takes that for no vector
answer = openai.OpenAI(**reached).embeddings.create(model=given["embedder"], input=given["texts"])
client.embeddings.create(model=given["embedder"], input=given["texts"], encoding_format="float")
models = [client.models.retrieve(model.id).id for model in client.models.list()]

writer = client.with_options(api_key=given["writer_key"])
store = writer.vector_stores.create(
    name="desk", metadata={"a": "b"}, expires_after={"anchor": "last_active_at", "days": 7}
)
file = writer.files.create(file=("note.md", b"The zebracoupon is paid in June."), purpose="assistants")
static = {"type": "static", "static": {"max_chunk_size_tokens": 100, "chunk_overlap_tokens": 20}}
attached = writer.vector_stores.files.create_and_poll(
    file.id, vector_store_id=store.id, attributes={"year": 2024, "is_new": True}, chunking_strategy=static
)
batch = writer.vector_stores.file_batches.upload_and_poll(
    store.id, files=[("a.txt", b"A zebracoupon."), ("b.docx", b"PK")]
)
wanted = {"type": "and", "filters": [{"type": "gte", "key": "year", "value": 2024}]}
page = writer.vector_stores.search(
    store.id,
    query="zebracoupon",
    filters=wanted,
    max_num_results=5,
    ranking_options={"ranker": "auto", "score_threshold": 0.0},
)
writer.vector_stores.files.update(file.id, vector_store_id=store.id, attributes={"year": 2025})
shown = [
    writer.vector_stores.retrieve(store.id).status,
    writer.vector_stores.update(store.id, name="other").name,
    writer.vector_stores.files.retrieve(file.id, vector_store_id=store.id).status,
    writer.vector_stores.file_batches.retrieve(batch.id, vector_store_id=store.id).status,
    sorted(item.status for item in writer.vector_stores.files.list(store.id)),
    len(list(writer.vector_stores.file_batches.list_files(batch.id, vector_store_id=store.id))),
    [item.text for item in writer.vector_stores.files.content(file.id, vector_store_id=store.id)],
    writer.files.content(file.id).read().decode(),
    writer.files.retrieve(file.id).filename,
    file.id in [item.id for item in writer.files.list()],
    store.id in [item.id for item in writer.vector_stores.list()],
    writer.vector_stores.files.delete(file.id, vector_store_id=store.id).deleted,
    writer.files.delete(file.id).deleted,
    writer.vector_stores.delete(store.id).deleted,
]
for number in range(5):
    writer.files.create(file=(f"{number}.md", b"x"), purpose="user_data")
left = [writer.files.delete(item.id).deleted for item in writer.files.list(purpose="user_data", limit=2)]
errors = {}
for name, ask in {
    "gone": lambda: writer.vector_stores.retrieve(store.id),
    "forbidden": client.vector_stores.create,
    "unknown": lambda: client.models.retrieve("no-such-model"),
    "refused": lambda: writer.files.create(file=("a.txt", b"x"), purpose="fine-tune"),
}.items():
    try:
        ask()
    except openai.APIStatusError as error:
        errors[name] = [error.status_code, sorted(error.body)]

json.dump(
    {
        "version": openai.__version__,
        "vectors": [row.embedding for row in answer.data],
        "models": len(models),
        "attached": [attached.status, attached.chunking_strategy.model_dump()],
        "counts": batch.file_counts.model_dump(),
        "found": [[item.filename, item.attributes, item.content[0].text] for item in page.data],
        "shown": shown,
        "left": left,
        "errors": errors,
    },
    sys.stdout,
)
