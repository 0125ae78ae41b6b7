"""What runs under `ray job submit`: sources, stages and the pure plans they follow."""
