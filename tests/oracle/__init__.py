"""Tests of the oracle: it raises no alarm at right code, and names what is wrong with the rest."""
