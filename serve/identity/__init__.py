"""Who asks: API keys, tokens of an identity provider, the development principal. No Ray, no HTTP server."""
