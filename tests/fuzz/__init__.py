"""Benchmarks: ``python -m tests.bench [ROOM]`` measures, prints a table and writes ``build/bench/ROOM.json``.

Every figure is measured against its named peer in the same interleaved run; medians of several runs are kept. The
figures of the README are written from these files (``--readme``), never typed.
"""
