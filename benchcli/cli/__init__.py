"""The command line, one command a file: parse, call the API once, show, and exit with a code."""
