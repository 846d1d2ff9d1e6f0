"""The functions of the Python API, which the command line calls too. `benchcli` exports them."""
