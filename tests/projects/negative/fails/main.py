from modelport import Model

table = {}


model = Model(predict=table["predict"])
