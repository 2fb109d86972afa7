"""The tests: a law each, and what the laws are held to."""
