from modelport import Model

half = lambda x: x / 2


def predict(x: float) -> float:
    return half(x)


model = Model(predict=predict)
