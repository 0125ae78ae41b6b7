"""How documents become rows of a collection: reconciled, arranged, published; for jobs and for requests."""
