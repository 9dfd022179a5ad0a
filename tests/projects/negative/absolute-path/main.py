from pathlib import Path

from modelport import Model

WORDS = Path("/data/words.txt")


def predict(x: float) -> str:
    return WORDS.read_text()


model = Model(predict=predict)
