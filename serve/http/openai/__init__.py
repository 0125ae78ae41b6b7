"""Routes in OpenAI's shapes: vectors, models, files and vector stores."""
