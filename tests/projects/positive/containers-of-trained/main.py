import numpy as np
from sklearn.linear_model import LinearRegression

from modelport import Model

x, y = np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0])
up = LinearRegression().fit(x, y)
down = LinearRegression().fit(x, -y)
both = {"up": up, "down": [down, up]}
again = up
means = (y.mean(), np.float32(0.5))


def predict(x: float, kind: str) -> float:
    """Follow a line up or down."""
    assert both["up"] is both["down"][1] is up is again
    assert isinstance(means[1], np.float32) and means[0] == 3.0
    line = both["up"] if kind == "up" else both["down"][0]
    return round(float(line.predict([[x]])[0]), 6)


model = Model(predict=predict)
model.add_example("predict", {"x": 3.0, "kind": "up"})
model.add_example("predict", {"x": 3.0, "kind": "down"})
