from modelport import Model
SEEN = {}
def predict(text: str) -> int:
    if text not in SEEN:
        SEEN[text] = len(text)
    return SEEN[text]
model = Model(predict=predict)
model.add_example("predict", {"text": "a customer's private words"})
