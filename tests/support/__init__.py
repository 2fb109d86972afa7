"""What several tests share: tolerances, calls of every function, a strict array, 50 digits."""
