"""Run the command line as `python -m benchcli`."""

from benchcli.cli import main

main()
