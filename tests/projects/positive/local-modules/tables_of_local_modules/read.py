def lines(file):
    return file.read_text("utf-8").split()
