"""What an error becomes over HTTP, in the shape that each client reads."""
