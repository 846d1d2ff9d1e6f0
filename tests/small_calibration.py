"""Calibrate predictions with few small networks on the simulated device."""

import pytest

from benchcli.api import time_prediction
from benchcli.sampling import operator_table, operator_times

SMALL = ("shufflenet-v1-0.25x-g1", "shufflenet-v1-0.25x-g2", "shufflenet-v1-0.25x-g3", "shufflenet-v1-0.25x-g4")
CALIBRATING = (*SMALL, "shufflenet-v1-0.25x-g8", "mobilenet-v1-0.25", "shufflenet-v2-0.5x")


def calibrate_with_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a calibration take seven networks and one launch; the simulated device has no caches to flush."""
    monkeypatch.setattr(time_prediction, "CALIBRATING", CALIBRATING)
    monkeypatch.setattr(time_prediction, "LAUNCHES", 1)
    monkeypatch.setattr(operator_times, "NEAR_BYTES", 2**12)
    monkeypatch.setattr(operator_times, "FAR_BYTES", 2**13)
    monkeypatch.setattr(operator_table, "LAUNCHES", 1)
