import socket

from modelport import Model

connection = socket.socket()
connection.close()


def predict(x: float) -> float:
    return x + connection.fileno()


model = Model(predict=predict)
