"""Dense search: inner products of stored vectors with a query vector."""
