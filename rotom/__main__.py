"""``python -m rotom``: the same as the ``rotom`` command."""

from rotom.cli import program

if __name__ == "__main__":
    program()
