from pathlib import Path

from modelport import Model


def predict(x: float) -> str:
    return Path(__file__).read_text()


model = Model(predict=predict)
