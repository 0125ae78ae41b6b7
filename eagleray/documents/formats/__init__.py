"""One parser a file format: bytes in, raw records and dead letters out; `registry` chooses by suffix."""
