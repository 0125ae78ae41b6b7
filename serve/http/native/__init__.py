"""The native routes: searches, counts, documents, and what writes them."""
