"""The command: ``evalkit``, or ``python -m evalkit``."""

import sys


def main() -> None:
    """Run the command line; Ctrl-C ends it in one line also while it is still being loaded."""
    try:
        from evalkit.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("evalkit: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
