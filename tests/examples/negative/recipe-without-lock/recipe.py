"""A recipe."""

from modelport import Model


def model() -> Model:
    """Train."""
    raise NotImplementedError
