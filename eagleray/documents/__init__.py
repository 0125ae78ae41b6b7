"""From bytes to documents: formats are parsed into records, a mapping makes records documents.

`partitions` is the way in for jobs; `formats` holds one parser a file; `mapping` says which field
becomes what. Cutting documents into chunks lives in `eagleray.chunking`.
"""
