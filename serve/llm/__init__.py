"""Language models behind the port `ChatModel`: those of any server that speaks OpenAI's chat completions."""
