"""Model files as they are: packages that hold data and no code.

A data-only package has a file of a known format in ``state/``, byte for byte as it was made elsewhere. Its
``package.json`` says under ``methods`` which file each method runs and which tensor of the file each field of the
signature is. Nothing of the package is executed: the file is read by the reviewed loader of its format (`onnx`), in an
environment that holds that loader's own requirements (`reviewed`) and nothing else.
"""

from __future__ import annotations
