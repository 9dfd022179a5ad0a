from modelport import Model


def predict(x: float) -> float:
    return x


one, other = Model(predict=predict), Model(predict=predict)
