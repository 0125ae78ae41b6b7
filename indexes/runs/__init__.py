"""What jobs leave of their runs in a collection, as everybody reads it; jobs write it."""
