def load():
    raise ValueError("no table")


table = load()
