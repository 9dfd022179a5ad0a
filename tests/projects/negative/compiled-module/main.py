from modelport import Model


def predict(x: float) -> float:
    from compiled_module_of_mine import double

    return double(x)


model = Model(predict=predict)
