"""One call of foreign code, in any framework, and the verdict on it."""
