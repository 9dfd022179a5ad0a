"""Publishing: what CI runs when an entry changes, one step a module; each also runs on any machine.

``build`` makes an entry's package from its reviewed recipe and judges a rebuild against the published version;
``version`` writes ``versions/<version>.yaml`` from a package.
"""
