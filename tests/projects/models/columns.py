"""A pipeline with a ColumnTransformer: numbers are scaled, words are encoded."""

import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from modelport import Model

rooms = np.arange(1, 9)
towns = np.array(["Ulm", "Bern", "Graz", "Bern"] * 2)
flats = pd.DataFrame({"rooms": rooms, "town": towns})
rents = 300.0 * rooms + np.where(towns == "Bern", 500.0, 0.0)

columns = ColumnTransformer([("numbers", StandardScaler(), ["rooms"]), ("words", OneHotEncoder(), ["town"])])
pipeline = Pipeline([("columns", columns), ("line", LinearRegression())]).fit(flats, rents)


def rent(rooms: list[int], town: list[str]) -> list[float]:
    """Return what flats cost a month."""
    return [round(float(one), 2) for one in pipeline.predict(pd.DataFrame({"rooms": rooms, "town": town}))]


model = Model(rent=rent)
model.add_example("rent", {"rooms": [3, 3], "town": ["Bern", "Ulm"]}, tolerance=0.01)
