"""Kept runs, as `benchcli show` prints them: real intervals, of which the exact clock has none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchcli.reports.formats import table
from benchcli.reports.terminal import Screen
from tests.conftest import Outcome

KEPT = Path(__file__).parents[2] / "results" / "reference"


@pytest.mark.parametrize("name", ["g2-epyc", "networks-epyc", "layers-epyc", "claims-epyc", "audit-xeon"])
def test_a_kept_run_is_shown_as_it_was(
    cli: Callable[..., Outcome],
    golden: Callable[[str, str], None],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
) -> None:
    (tmp_path / "kept").symlink_to(KEPT)
    monkeypatch.setattr(table, "screen_of", lambda _stream: Screen(120, bars=True))
    found = cli("show", f"kept/{name}")
    assert (found.code, found.err) == (0, "")
    golden(f"show.{name}.txt", found.out)
