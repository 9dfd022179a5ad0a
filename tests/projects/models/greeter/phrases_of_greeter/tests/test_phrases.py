import pytest

from phrases_of_greeter import phrase


def test_unknown_languages_are_refused():
    with pytest.raises(KeyError):
        phrase("xx")
