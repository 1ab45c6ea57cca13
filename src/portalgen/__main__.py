"""`python -m portalgen` is the same as `portalgen`."""

from portalgen.cli import main

if __name__ == "__main__":
    main(prog_name="portalgen")
