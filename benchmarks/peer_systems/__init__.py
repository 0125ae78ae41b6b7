"""The systems that `benchmarks.peers` compares: one file each, all behind `contracts.System`."""
