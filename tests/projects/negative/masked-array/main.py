import numpy as np

from modelport import Model

table = np.ma.masked_equal([1, 2, 3], 2)


def predict(x: int) -> int:
    return int(table.sum())


model = Model(predict=predict)
