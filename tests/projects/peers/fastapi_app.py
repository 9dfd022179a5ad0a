"""A model behind FastAPI, as its documentation shows it: uvicorn fastapi_app:app."""

import os

import joblib
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel

estimator = joblib.load(os.environ["ESTIMATOR"])
app = FastAPI()


class Flowers(BaseModel):
    sepal_length: list[float]
    sepal_width: list[float]
    petal_length: list[float]
    petal_width: list[float]


class Species(BaseModel):
    species: list[int]


@app.post("/classify")
async def classify(flowers: Flowers) -> Species:
    columns = [flowers.sepal_length, flowers.sepal_width, flowers.petal_length, flowers.petal_width]
    return Species(species=estimator.predict(np.column_stack(columns)).tolist())
