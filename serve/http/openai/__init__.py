"""Routes in OpenAI's shapes: vectors, models, chats, responses, files and vector stores."""
