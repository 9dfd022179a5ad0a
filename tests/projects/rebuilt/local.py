"""Modules of the user's own, with a data file, one of them imported late."""

from garden.plants import tallest

from modelport import Model


def plant(months: int) -> str:
    """Return the tallest plant after some months."""
    from garden.growth import grown  # noqa: PLC0415 - late, as users do

    return tallest({name: grown(name, months) for name in ("rose", "tulip")})


model = Model(plant=plant)
model.add_example("plant", {"months": 3})
