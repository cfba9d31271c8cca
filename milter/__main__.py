"""`python -m milter` is the command `blackmail-filter`."""

from milter.cli import main

main(prog_name="blackmail-filter")
