import numpy as np

from modelport import Model

table = np.array([1, "a", None], dtype=object)


def predict(x: int) -> str:
    return str(table[x])


model = Model(predict=predict)
