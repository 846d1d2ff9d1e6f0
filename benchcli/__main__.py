"""Run the command line, as `benchcli` or as `python -m benchcli`."""

import signal


def main() -> None:
    """Run the command line and exit.

    Until it handles signals itself, Ctrl-C ends the process without a traceback.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from benchcli.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
