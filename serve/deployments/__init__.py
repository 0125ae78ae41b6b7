"""The parts of a serving process as deployments of Ray Serve; `serve.app` binds them."""
