"""Hostile use, measured: strange arguments, kills, damaged files, hostile functions and programs.

    python -m ledgers.torture [fuzz] [files] [kills] [functions] [programs]

docs/promises.md says what is promised, and has the figures.
"""
