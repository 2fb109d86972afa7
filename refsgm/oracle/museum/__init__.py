"""The bug museum: mistakes of published code, and what the doctor says of each."""
