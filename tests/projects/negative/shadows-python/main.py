from modelport import Model


def predict(x: float) -> float:
    import this

    return this.double(x)


model = Model(predict=predict)
