"""Routes in the shapes of Text Embeddings Inference."""
