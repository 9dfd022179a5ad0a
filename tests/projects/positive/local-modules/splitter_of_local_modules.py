def run(pattern, text):
    return pattern.findall(text)
