from modelport import Model

METHODS = ["a", "b"]


def predict(x: int) -> str:
    return METHODS[x]


model = Model(predict=predict)
