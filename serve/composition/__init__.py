"""Makes a server of settings; nothing below it reads all of them.

`server` opens the parts in order and closes them in reverse: begin there. What it serves is listed in
`features`. A collection, as callers are served it, is put together in `served_collections`; where collections
lie, and which are served, is in `stored_collections`. What computes is a `backend`: `local_backend` in this
process, replicas on Ray Serve (`serve.deployments.ingress`). Both are made of `models`, `searches`, `sharing`
and what writes: `document_writer`, in a process of its own by `writing_process`.
"""
