"""What a shell completes: names of what there is, and files."""

import pytest
from click.shell_completion import ShellComplete

from benchcli.cli.main import benchcli
from tests.conftest import in_process


def completed(*words: str) -> list[str]:
    """Return what is offered for the last word."""
    shell = ShellComplete(benchcli, {}, "benchcli", "_BENCHCLI_COMPLETE")
    return [
        item.value if item.type == "plain" else item.type for item in shell.get_completions(list(words[:-1]), words[-1])
    ]


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (("gui",), ["guideline"]),
        (("guideline", "g"), ["g1", "g2", "g3", "g4"]),
        (("guideline", "a"), ["all"]),
        (("guideline", "g2", "--device", ""), ["cpu", "cuda", "mps"]),
        (("guideline", "g2", "--format", "m"), ["markdown"]),
        (("guideline", "g2", "--dtype", "float32,b"), ["float32,bfloat16"]),
        (("guideline", "g2", "--channels", "paper-"), ["paper-arm", "paper-gpu"]),
        (("guideline", "g2", "--runtime", "g"), ["graph"]),
        (("guideline", "g2", "--output", "x"), ["dir"]),
        (("block", "shufflenet-v2"), ["shufflenet-v2"]),
        (("network", "resnet-50"), ["resnet-50", "resnet-50-2016"]),
        (("run", "qu"), ["quick", "file"]),
        (("check", "c"), ["ci", "claims", "file"]),
        (("check", "ci", "--format", "j"), ["json", "junit"]),
        (("compare", "results/"), ["dir"]),
        (("list", "blo"), ["blocks"]),
    ],
)
def test_what_is_completed(words: tuple[str, ...], offered: list[str]) -> None:
    assert completed(*words) == offered


def test_a_shell_gets_its_script_and_its_answers() -> None:
    script = in_process("-m", "benchcli", _BENCHCLI_COMPLETE="bash_source")
    assert "complete -o nosort -F _benchcli_completion benchcli" in script.stdout
    typed = "benchcli guideline g"
    answer = in_process("-m", "benchcli", _BENCHCLI_COMPLETE="bash_complete", COMP_WORDS=typed, COMP_CWORD="2")
    assert answer.stdout.split() == ["plain,g1", "plain,g2", "plain,g3", "plain,g4"]
