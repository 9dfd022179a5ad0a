import random

from modelport import Model

GENERATOR = random.Random(0)


def predict(x: float) -> float:
    return x + GENERATOR.random()


model = Model(predict=predict)
