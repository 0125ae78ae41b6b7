"""Where documents and rows come from: one folder a kind of source; `ray_jobs.service` lists them.

What a source is stands in `eagleray.contracts.sources`. Files of questions, which become no documents, are in
`questions`.
"""
