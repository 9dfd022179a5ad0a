import csv
from importlib.resources import files


def title(language: str) -> str:
    text = files("phrases_of_greeter").joinpath("titles.csv").read_text("utf-8")
    return dict(csv.reader(text.splitlines()))[language]
