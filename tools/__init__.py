"""What writes files of this project from others of it."""
