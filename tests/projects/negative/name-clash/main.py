from modelport import Model


def make(factor):
    def predict(x: float) -> float:
        return x * factor

    return predict


model = Model(double=make(2), triple=make(3))
