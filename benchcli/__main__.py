"""Run the command line as `python -m benchcli`."""

from benchcli.cli.main import main

main()
