from modelport import Model

loop = []
loop.append(loop)


def predict(x: int) -> int:
    return len(loop)


model = Model(predict=predict)
