"""The command line, one command a file: parse, call the API once, show, choose an exit code."""
