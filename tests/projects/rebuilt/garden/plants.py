"""Which plant is the tallest."""


def tallest(heights: dict[str, float]) -> str:
    """Return the name of the tallest."""
    return max(sorted(heights), key=lambda name: heights[name])
