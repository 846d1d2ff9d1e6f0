from pathlib import Path

import benchcli
from benchcli.api.run_result import Run
from benchcli.api.traced_rows import LayerRows

KEPT = Path(__file__).parents[2] / "results" / "reference" / "layers-epyc"


def test_the_layers_of_a_run_are_a_list_that_a_prompt_shows_as_a_table() -> None:
    run = benchcli.load(str(KEPT))
    assert isinstance(run, Run)
    rows = run.layers
    assert isinstance(rows, list)
    assert rows == list(rows)
    assert rows[0].variant == "shufflenet-v2-1x"
    assert repr(rows).startswith("Time by layer\nnetwork ")
    assert repr(rows).endswith(f"{len(rows)} modules; to_frame() has all their fields")
    assert len(repr(rows).splitlines()) < 50 < len(rows)
    assert "rolled up to depth 1" in repr(run.layers_at(1))


def test_no_layers_are_an_empty_list() -> None:
    assert repr(LayerRows()) == "[]"
