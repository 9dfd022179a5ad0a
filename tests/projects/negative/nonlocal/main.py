from modelport import Model


def make():
    calls = 0

    def predict(x: float) -> float:
        nonlocal calls
        calls += 1
        return x + calls

    return predict


model = Model(predict=make())
