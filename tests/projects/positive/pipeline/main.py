import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from modelport import Model

TEXTS = ["good film", "bad film", "very good", "very bad", "good good", "bad bad"]
pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(random_state=0)).fit(TEXTS, [1, 0, 1, 0, 1, 0])


def is_good(texts: list[str]) -> list[bool]:
    """Tell which reviews are good."""
    return [bool(one) for one in np.asarray(pipeline.predict(texts))]


model = Model(is_good=is_good)
model.add_example("is_good", {"texts": ["a good one", "so bad"]})
