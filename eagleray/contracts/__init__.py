"""The frozen values and Protocols every other package speaks in.

Values live in one file an idea (documents, chunks, filters, hits, manifests, principals,
times); extension points live in `ports`. Nothing here touches a disk, a socket or a cluster.
"""
