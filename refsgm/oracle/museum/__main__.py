"""`python -m refsgm.oracle.museum` prints docs/museum.md."""

from .kill_matrix import false_alarms, kill_matrix, page

if __name__ == "__main__":
    print(page(kill_matrix(), kill_matrix(dictionary=False), false_alarms()), end="")
