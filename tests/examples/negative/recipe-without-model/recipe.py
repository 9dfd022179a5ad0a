def Model():
    pass
