from modelport import Model


class Scaler:
    factor = 2


scaler = Scaler()


def predict(x: float) -> float:
    return x * scaler.factor


model = Model(predict=predict)
