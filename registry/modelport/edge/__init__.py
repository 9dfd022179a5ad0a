"""Variants of models for small devices: made, measured, planned and chosen.

A *variant* is a complete package that is made from another one, its parent: the same signature and code, with the
parent's weights in another form. `interface` is the plug-point of those who make forms, `build` asks them.
"""
