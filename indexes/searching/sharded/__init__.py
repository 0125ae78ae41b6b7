"""One snapshot searched in parts: its segments divided over groups, each held by a shard.

A `shard` answers the `steps` of a question on its own;
`ports` are how it is reached, in this process or another. `source` asks all shards and merges what they
find, `searcher` makes the answer: that of all segments in one place, to the bit.
"""
