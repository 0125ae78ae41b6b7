"""`python -m eagleray`: the command line, where the script `eagleray` is not on the path."""

from eagleray.cli import main

if __name__ == "__main__":
    main()
