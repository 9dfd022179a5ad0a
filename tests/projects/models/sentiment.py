"""Words to a judgement: TF-IDF and a linear model."""

from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from modelport import Model

texts = ["a good film", "a bad film", "very good", "very bad", "good good", "bad bad"]
judge_of_films = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, ["yes", "no"] * 3)


def judge(texts: list[str]) -> list[str]:
    """Tell whether reviews are friendly."""
    return [str(one) for one in judge_of_films.predict(texts)]


model = Model(judge=judge)
model.add_example("judge", {"texts": ["such a good one", "bad luck"]})
