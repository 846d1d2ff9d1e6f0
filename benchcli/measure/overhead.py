"""What the harness itself adds to a call."""

from statistics import median

from benchcli.backends.devices.base import DEVICES
from benchcli.schema import Costs

TRIES, CALLS = 21, 500
NOTHING = Costs(0, 0, 0, 0, 0, 0, 0)


def call_overhead_s() -> float:
    """Return the seconds that the loop and the call add to each call of a sample.

    Both looks at the clock together add as much again or twice, but to a whole sample, which takes 5 ms or more.
    """
    timer = DEVICES["cpu"].timer(lambda: None, NOTHING, 0)  # type: ignore[arg-type,return-value]
    return median(timer(CALLS).seconds for _ in range(TRIES)) / CALLS
