"""The command line, one verb a file: parse, call the library once, print, choose an exit code."""
