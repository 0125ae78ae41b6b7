"""OpenAI's client, of the version that is imported, strict: chats and responses, whole and streamed."""

import json
import sys

import openai

given = json.load(sys.stdin)
reached = {"base_url": given["url"] + "/v1", "max_retries": 0, "_strict_response_validation": True}
client = openai.OpenAI(api_key=given["writer_key"], **reached)
messages = [{"role": "user", "content": given["question"]}]
function = {"name": "look_up", "description": "Look a bond up.", "parameters": {"type": "object"}}
asked = {"model": "extractive", "messages": messages, "tools": [{"type": "function", "function": function}]}
chat = client.chat.completions.create(**asked, temperature=0)
chunks = list(client.chat.completions.create(**asked, stream=True, stream_options={"include_usage": True}))

store = client.vector_stores.create(name="desk")
file = client.vector_stores.files.upload_and_poll(
    vector_store_id=store.id, file=("note.md", b"The zebracoupon is paid in June.")
)
search = {"type": "file_search", "vector_store_ids": [store.id]}
wanted = {"model": "extractive", "input": "When is the zebracoupon paid?", "tools": [search]}
response = client.responses.create(**wanted, metadata={"desk": "rates"})
events = list(client.responses.create(**wanted, stream=True))
with client.responses.stream(**wanted) as stream:
    helped = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
    final = stream.get_final_response()
followed = client.responses.create(
    model="extractive", input=wanted["input"], previous_response_id=response.id, store=False
)
kept = client.responses.retrieve(response.id)
client.responses.delete(response.id)
reader = openai.OpenAI(api_key=given["key"], **reached)
missing = []
for who, name in (
    (client, response.id),
    (reader, final.id),
    (client, followed.id),
    (client, "resp_" + "0" * 32),
):
    try:
        who.responses.retrieve(name)
    except openai.NotFoundError as error:
        missing.append(error.body["message"].replace(name, ""))
(annotation,) = response.output[-1].content[0].annotations
json.dump(
    {
        "version": openai.__version__,
        "text": chat.choices[0].message.content,
        "citations": len(chat.choices[0].message.eagleray["annotations"]),
        "streamed": "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices),
        "found": response.output_text,
        "events": "".join(event.delta for event in events if event.type == "response.output_text.delta"),
        "numbers": [event.sequence_number for event in events],
        "helped": [helped, final.output_text],
        "followed": followed.output_text,
        "kept": kept.model_dump() == response.model_dump(),
        "cited": [annotation.type, annotation.filename, annotation.index, annotation.file_id == file.id],
        "missing": missing,
    },
    sys.stdout,
)
