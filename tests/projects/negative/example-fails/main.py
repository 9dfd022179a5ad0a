from modelport import Model

TABLE = {"a": 1}


def look(key: str) -> int:
    return TABLE[key]


model = Model(look=look)
model.add_example("look", {"key": "b"})
