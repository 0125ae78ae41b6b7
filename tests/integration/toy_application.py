"""The application of Ray Serve with one more feature; Ray reads the annotation, so it is not postponed."""

from serve.app import bind
from serve.deployments.arguments import Arguments
from tests.contract.features.toy_tellings import choose_with_toy


def build(arguments: Arguments):
    """Return the application, bound."""
    return bind(arguments, choose_with_toy)
