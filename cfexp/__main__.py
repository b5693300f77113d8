"""Entry point of ``python -m cfexp``."""

from cfexp.cli import main

if __name__ == "__main__":
    main()
