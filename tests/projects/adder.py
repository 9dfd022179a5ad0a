from modelport import Evaluation, Model


def add(x: float, y: float) -> float:
    """Add two numbers."""
    return x + y


model = Model(add=add)
model.add_example("add", {"x": 1.0, "y": 2.0})
model.add_evaluation(Evaluation.accuracy(correct=9, n=10, data="sums", split="test"))
