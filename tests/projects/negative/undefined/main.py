from modelport import Model


def predict(x: int) -> int:
    return x + forgotten


model = Model(predict=predict)
