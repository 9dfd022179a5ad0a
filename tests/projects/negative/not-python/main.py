from modelport import Model


model = Model(predict=)
