"""What the harness itself adds to a call."""

from statistics import median

from benchcli.devices.base import DEVICES
from benchcli.schema import Costs

TRIES = 101
NOTHING = Costs(0, 0, 0, 0, 0, 0, 0)


def call_overhead_s() -> float:
    """Return the seconds that a sample of one call of nothing reads: the loop, the call and both looks at the clock.

    Samples of several calls share the looks at the clock, so this is the most that any call is charged.
    """
    timer = DEVICES["cpu"].timer(lambda: None, NOTHING, 0)  # type: ignore[arg-type,return-value]
    return median(timer(1).seconds for _ in range(TRIES))
