"""Documents cut into chunks by the embedder's own tokens.

`documents` is the way in; `atoms` says where a cut may lie, `windows` chooses the cuts, `headings`
writes what goes in front, `counting` counts tokens, `table` is the Arrow form.
"""
