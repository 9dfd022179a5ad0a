from modelport import Model


def predict(x: float) -> float:
    import nothing_of_this_name.inner

    return x


model = Model(predict=predict)
