from modelport import Model


class Scaler:
    def scale(self, x: float) -> float:
        return 2 * x


model = Model(scale=Scaler().scale)
