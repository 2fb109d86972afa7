"""`python -m refsgm.oracle.museum` prints docs/museum.md."""

from .kill_matrix import false_alarms, kill_matrices, page

if __name__ == "__main__":
    print(page(*kill_matrices(), false_alarms()), end="")
