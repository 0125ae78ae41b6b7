"""Routes that score documents, in the shapes of Cohere, Jina and TEI."""
