"""Parsers in processes of their own: what comes from outside is read where it can harm nobody.

`pool` is the way in, `process` the caller's side of one process, `child` the program it runs, `frames` and
`items` what they say to each other: bounded lengths and JSON, because a file may have taken the process over.
The parsers themselves are in `eagleray.documents.formats`; no process here loads more than they need.
"""
