"""`python -m refsgm` and the command `refsgm`."""

import sys


def main():
    """The command line, or one sentence where its libraries are not installed."""
    try:
        from .app.cli import main as run
    except KeyboardInterrupt:
        sys.exit(130)
    except ModuleNotFoundError as error:
        sys.exit(f"refsgm: the command line needs {error.name}: pip install 'typer>=0.16' rich")
    run()


if __name__ == "__main__":
    main()
