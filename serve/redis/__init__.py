"""Redis, where the settings name one: the only part that knows its client."""
