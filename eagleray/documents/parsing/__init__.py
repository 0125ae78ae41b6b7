"""Parsers in processes of their own: what comes from outside is read where it can harm nobody.

`pool` is the way in, `tables` that of rows which are no documents; `process` is the caller's side of one
process, `child` the program it runs. `frames`, `items` and `table_frames` are what they say to each other:
bounded lengths, JSON and checked Arrow batches, because a file may have taken the process over.
The parsers themselves are in `eagleray.documents.formats`; no process here loads more than they need.
"""
