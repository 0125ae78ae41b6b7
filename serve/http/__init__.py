"""HTTP over `serve.engine`: bodies, routes and errors. Nothing here searches."""
