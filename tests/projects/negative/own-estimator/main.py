from sklearn.base import BaseEstimator

from modelport import Model


class Doubler(BaseEstimator):
    def predict(self, x):
        return 2 * x


doubler = Doubler()


def predict(x: float) -> float:
    return doubler.predict(x)


model = Model(predict=predict)
