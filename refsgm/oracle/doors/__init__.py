"""Ways into the oracle: the command line, pytest, test vectors, programs in other languages."""
