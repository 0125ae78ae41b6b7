"""Routes for those who publish and run: snapshots, aliases, runs, health and metrics."""
