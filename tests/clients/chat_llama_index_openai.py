"""LlamaIndex's `OpenAILike` and, for responses with `file_search`, its `OpenAIResponses`."""

import json
import sys

from llama_index.core.llms import ChatMessage
from llama_index.llms.openai import OpenAIResponses
from llama_index.llms.openai_like import OpenAILike

given = json.load(sys.stdin)
reached = {"api_base": given["url"] + "/v1", "api_key": given["writer_key"], "model": "extractive"}
chat = OpenAILike(**reached, is_chat_model=True)
search = {"type": "file_search", "vector_store_ids": [given["collection"]]}
responses = OpenAIResponses(**reached, built_in_tools=[search], context_window=4096)
messages = [ChatMessage(role="user", content=given["question"])]
json.dump(
    {
        "text": chat.chat(messages).message.content,
        "streamed": "".join(part.delta or "" for part in chat.stream_chat(messages)),
        "found": responses.chat(messages).message.content,
        "events": "".join(part.delta or "" for part in responses.stream_chat(messages)),
    },
    sys.stdout,
)
