"""LangChain's `ChatOpenAI` as it is: chats and responses with `file_search`, whole and streamed."""

import json
import sys

from langchain_openai import ChatOpenAI

given = json.load(sys.stdin)
reached = {"model": "extractive", "base_url": given["url"] + "/v1", "api_key": given["writer_key"]}
chat = ChatOpenAI(**reached)
search = {"type": "file_search", "vector_store_ids": [given["collection"]]}
responses = ChatOpenAI(**reached, use_responses_api=True).bind_tools([search])
answer = responses.invoke(given["question"])
json.dump(
    {
        "text": chat.invoke(given["question"]).text,
        "streamed": "".join(chunk.text for chunk in chat.stream(given["question"])),
        "found": answer.text,
        "events": "".join(chunk.text for chunk in responses.stream(given["question"])),
        "cited": [
            note["type"]
            for block in answer.content
            if isinstance(block, dict)
            for note in block.get("annotations", [])
        ],
    },
    sys.stdout,
)
