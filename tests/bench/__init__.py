"""Benchmarks: one module each, run by ``setup/bench NAME``.

A module's docstring is the benchmark's title. It has ``run(bench)``, which gets a
``harness.bench.Bench`` and returns a list of ``tests.support.figures.Figure``.
"""
