"""Many questions at once: `searcher` cuts the list, `plain` says which questions the fast path takes.

The fast path puts the rows of all segments in the order of time (`columns`, `views`), counts words as of
many times at once, field by field (`words`, `lengths`, `weighing`), compares each distinct query with every
row once (`similarities`), and answers all questions with one query in a compiled call (`groups`,
`answering`). The rest goes the way of single searches (`one_by_one`). Both end in `found`.
"""

from indexes.searching.batch.searcher import MAX_BYTES, BatchSearcher

__all__ = ["MAX_BYTES", "BatchSearcher"]
