"""Networks that `torch.compile` compiles, in real processes: a minute, so that they are a target of their own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

import benchcli
from benchcli.api.run_result import Run

pytestmark = pytest.mark.measured
COMPILED = """
import json, os, torch
from pathlib import Path

class Noting(torch.nn.Module):
    def __init__(self, child):
        super().__init__()
        self.child = child

    def forward(self, x):
        y = self.child(x)
        found = dict(torch._dynamo.utils.counters["inductor"])
        lines = [os.environ["TORCHINDUCTOR_CACHE_DIR"], str(torch.is_inference_mode_enabled()), str(os.getpid())]
        with Path("noted.jsonl").open("a") as file:
            file.write(json.dumps([*lines, found]) + chr(10))
        return y

def by(backend): return Noting(torch.compile(torch.nn.ReLU(), backend=backend))
def eager(): return by("eager")
def inductor(): return by("inductor")
"""


def noted() -> list[tuple[str, str, str, dict[str, int]]]:
    return [tuple(json.loads(line)) for line in Path("noted.jsonl").read_text().splitlines()]


@pytest.fixture
def compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Run]:
    """Measure a compiled network in two launches of real processes."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(
        "PYTHONPATH", raising=False
    )  # the compiler imports `packaging`, and would find the tests of that name
    Path("compiling.py").write_text(COMPILED)
    return lambda name: benchcli.network(f"compiling:{name}", inputs="2x3", launches=2)


def test_launches_share_what_the_compiler_made_in_a_folder_that_goes_with_the_run(
    compiled: Callable[[str], Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = compiled("eager")
    first = {folder for folder, *_ in noted()}
    assert len(first) == 1
    assert not Path(*first).exists()
    (conditions, _) = run.details.results[0].conditions
    assert conditions.compile_s["compiling:eager"] > 0
    assert {"compiles", "compiled"} <= {each.kind for record in run.records for each in record.warnings}
    assert "≤ " in str(run)  # the memory access of what is compiled
    own = tmp_path / "own"
    own.mkdir()
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(own))
    compiled("eager")
    assert {folder for folder, *_ in noted()} - first == {str(own)}
    assert own.exists()


@pytest.mark.skipif(not shutil.which("g++"), reason="torch.compile needs g++ on a CPU, which is not here")
def test_a_later_launch_finds_what_an_earlier_one_compiled(compiled: Callable[[str], Run]) -> None:
    compiled("inductor")
    launches: dict[str, dict[str, int]] = {}
    for _, is_inference, process_id, counters in noted():
        if is_inference == "True":
            launches.setdefault(process_id, counters)
    _, *later = launches.values()  # the survey calls it as launches do
    assert len(later) == 2
    for each in later:
        assert each.get("fxgraph_cache_hit", 0) >= 1
        assert each.get("fxgraph_cache_miss", 0) == 0
