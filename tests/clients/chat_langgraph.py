"""LangGraph's own ReAct agent on `ChatOpenAI`, which brings a tool; whole and streamed."""

import json
import sys

from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from langgraph.prebuilt import create_react_agent

given = json.load(sys.stdin)
model = ChatOpenAI(model="extractive", base_url=given["url"] + "/v1", api_key=given["writer_key"])


@tool
def look_up(name: str) -> str:
    """Look a bond up."""
    raise RuntimeError(name)


agent = create_react_agent(model, [look_up])
asked = {"messages": [("user", given["question"])]}
said = agent.invoke(asked)["messages"]
pieces = [piece.text for piece, _ in agent.stream(asked, stream_mode="messages")]
json.dump(
    {
        "text": said[-1].text,
        "streamed": "".join(pieces),
        "kinds": [message.type for message in said],
    },
    sys.stdout,
)
