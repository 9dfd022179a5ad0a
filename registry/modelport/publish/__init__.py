"""Publishing: what CI runs when an entry changes, one step a module; each also runs on any machine.

``build`` makes an entry's package from its reviewed recipe and judges a rebuild against the published version;
``version`` writes ``versions/<version>.yaml`` from a package. After the merge, ``missing`` tells which versions the
registry lacks, ``reproduce`` builds one of them anew, ``handover`` is the folder between the job that runs the recipe
and the job that holds credentials, and ``release`` pushes what was verified. ``evidence`` keeps what was found out, and
``referrer`` tells the registry.
"""
