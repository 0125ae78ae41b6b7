"""Pure planners: what a stage will do, as frozen values; nothing here imports ray.

`partitions` cuts the input, `reconciliation` decides what a delivery changes, `segments` groups
chunk files into segments, `runs` names a run by all it depends on.
"""
