"""Modules and data files of the user's own, beside the packed file."""

import phrases_of_greeter
from counting_of_greeter import count

from modelport import Model


def greet(name: str, language: str) -> str:
    """Greet somebody, politely in most languages."""
    from phrases_of_greeter.polite import title

    return f"{phrases_of_greeter.phrase(language)}, {title(language)} {name}! ({count()})"


model = Model(greet=greet)
model.add_example("greet", {"name": "Ada", "language": "de"})
