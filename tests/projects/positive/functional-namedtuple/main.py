from modelport.acumos import List, Model, create_namedtuple

IrisInput = create_namedtuple("IrisInput", [("width", List[float]), ("note", str)])
Answer = create_namedtuple("Answer", [("kind", List[int])])


def classify(flowers: IrisInput) -> Answer:
    """Tell the kind of each flower."""
    return Answer(kind=[int(w > 1) for w in flowers.width])


model = Model(classify=classify)
model.add_example("classify", {"width": [0.5, 2.0], "note": ""})
