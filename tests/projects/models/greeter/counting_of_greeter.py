import phrases_of_greeter


def count() -> int:
    return len(phrases_of_greeter.PHRASES)
