"""Pure planners: what a stage will do, as frozen values; nothing here imports ray.

`shards` says how finely input is cut, `segments` groups chunk files into segments, `runs` names a run by
all it depends on.
"""
