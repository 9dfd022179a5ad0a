from modelport import Model


calls = ["since the start", 0]
counts = {"calls": calls}


def count(places):
    places["calls"][1] += 1


def predict(x: float) -> float:
    count(counts)
    return x + counts["calls"][1]


model = Model(predict=predict)
model.add_example("predict", {"x": 1.0})
