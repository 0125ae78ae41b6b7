"""What answers in one process: opened snapshots, the alias they follow, bounded work. No Ray, no HTTP."""
