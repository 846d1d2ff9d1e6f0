"""The changed line of a file that a network uses."""

import pytest

from benchcli.checks.changed_lines import changed_line

FILE = """from torch import nn

WIDTH = 16
OTHER = 1


class Block(nn.Module):
    def __init__(self):
        self.conv = nn.Conv2d(WIDTH, WIDTH, 1)
        self.act = nn.ReLU()


class Unused(nn.Module):
    pass


def tower(blocks=2):
    layers = [Block() for _ in range(blocks)]
    return nn.Sequential(*layers)
"""


@pytest.mark.parametrize(
    ("before", "after", "line"),
    [
        ("nn.Conv2d(WIDTH, WIDTH, 1)", "nn.Conv2d(WIDTH, WIDTH, 3, padding=1)", 9),
        ("WIDTH = 16", "WIDTH = 32", 3),
        ("blocks=2", "blocks=3", 17),
        ("        self.act = nn.ReLU()\n", "        self.act = nn.ReLU()\n        self.more = nn.ReLU()\n", 11),
        ("        self.conv = nn.Conv2d(WIDTH, WIDTH, 1)\n", "", 9),
        ("OTHER = 1", "OTHER = 2", None),
        ("    pass", "    wide = True", None),
        ("def tower", "def tower(:", None),
        ("no such text", "", None),
    ],
)
def test_the_first_changed_line_that_the_network_uses(before: str, after: str, line: int | None) -> None:
    assert changed_line(FILE, FILE.replace(before, after), "tower") == line


def test_a_change_of_what_it_does_not_use_is_passed_over() -> None:
    head = FILE.replace("OTHER = 1", "OTHER = 2").replace("nn.ReLU()", "nn.Hardtanh()")
    assert changed_line(FILE, head, "tower") == 10
    assert changed_line(FILE, head, "Unused") is None
