import functools

from modelport import Model

shown = functools.partial("{:.{}f}".format, 0.5)


def predict(x: int) -> str:
    return shown(x)


model = Model(predict=predict)
