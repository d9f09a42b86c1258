"""The entry point of the console script and of `python -m lightspeed_core`."""

import sys

from lightspeed_core.cli.main import run


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()
