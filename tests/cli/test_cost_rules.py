"""Rules of the user's own, in the network's module, in a suite, and from Python."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

import benchcli
from benchcli import UserError
from benchcli.workers.tools import Tools
from tests.conftest import Outcome
from tests.cost.networks import Apply

Cli = Callable[..., Outcome]
RULE = "benchcli_tests::unruled"
MODULE = """
import benchcli
from torch import nn
from tests.cost.networks import Apply, unruled

def build(): return Apply(lambda s, x: unruled(s.c(x)), c=nn.Conv2d(3, 4, 1, bias=False))
def plain(): return nn.Conv2d(3, 4, 1)
def twice(shape, out_shape): return 2 * shape.numel()
def negative(shape, out_shape): return -2
"""
DECLARED = 'benchcli.cost_rule("benchcli_tests::unruled")(twice)\n'
SUITE = """
[[family]]
name = "mine"
network = "mine:build"
shape = [3, 8, 8]

[[cost_rule]]
operator = "{operator}"
rule = "{rule}"
"""
EXPECTED = 64 * 12 + 2 * 64 * 4


@pytest.fixture(autouse=True)
def mine(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(MODULE)


def run(cli: Cli, text: str) -> Outcome:
    Path("mine.toml").write_text(text)
    return cli("run", "mine.toml", "--device", "fake", "--launches", "2", "--format", "csv")


def test_a_rule_in_the_module_of_the_network_makes_its_count_complete(cli: Cli, tmp_path: Path) -> None:
    assert cli("costs", "mine:build", "--size", "8", "--strict").code == 4
    (tmp_path / "ours.py").write_text(MODULE + DECLARED)
    outcome = cli("costs", "ours:build", "--size", "8", "--strict")
    assert outcome.code == 0, outcome.err
    assert "1.3 k" in outcome.out
    assert "own rule" in outcome.out
    (row,) = csv.DictReader(io.StringIO(cli("costs", "ours:build", "--size", "8", "--format", "csv").out))
    assert (row["flops"], row["flops_complete"], row["basis"]) == (str(EXPECTED), "True", "shapes, own rule")


def test_a_rule_in_a_suite_makes_the_count_complete(cli: Cli) -> None:
    outcome = run(cli, SUITE.format(operator=RULE, rule="mine:twice"))
    assert outcome.code == 0, outcome.err
    (row,) = csv.DictReader(io.StringIO(outcome.out))
    assert (row["flops"], row["flops_complete"]) == (str(EXPECTED), "True")


@pytest.mark.parametrize(
    ("operator", "rule", "says"),
    [
        (RULE, "mine:negative", f"mine: the cost rule of {RULE} returned -2: it must return a whole number of 0"),
        (RULE, "mine:twcie", "mine: unknown callable 'twcie': did you mean twice?"),
        (RULE, "yours:rule", "no module yours in "),
        (RULE, "mine", "mine.toml:9: rule must be 'package.module:callable', not 'mine'"),
        ("aten::convolution", "mine:twice", "mine: aten::convolution has a rule of benchcli already"),
        ("benchcli_tests::unrulde", "mine:twice", "no operator is named benchcli_tests::unrulde, which has a cost"),
        ("unruled", "mine:twice", "mine.toml:8: operator must name an operator, such as 'mylib::op', not 'unruled'"),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_one_line(cli: Cli, operator: str, rule: str, says: str) -> None:
    outcome = run(cli, SUITE.format(operator=operator, rule=rule))
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[[cost_rule]]\noperator = "a::b"', "mine.toml:1: a cost rule needs operator and rule"),
        ('[[cost_rule]]\nname = "a::b"', "mine.toml:2: unknown key 'name': known: operator, rule"),
        ("cost_rule = 3", "mine.toml:1: cost_rule must be a list of tables, each headed [[cost_rule]]"),
        ('[[cost_rule]]\noperator = "a::b"\nrule = "c:d"', "a cost_rule is for networks of your own, and the suite"),
    ],
)  # fmt: skip
def test_a_wrong_table_is_one_line(cli: Cli, text: str, says: str) -> None:
    outcome = run(cli, f'{text}\n[[family]]\nguideline = "g2"\n')
    assert (outcome.code, outcome.out) == (2, "")
    assert says in outcome.err


def test_a_rule_that_the_caller_registers_is_sent_to_the_measured_process(tools: Callable[..., Tools]) -> None:
    factor = 3
    benchcli.cost_rule(RULE)(lambda shape, out_shape: factor * shape.numel())
    network = Apply(lambda self, x: torch.ops.benchcli_tests.unruled(self.c(x)), c=nn.Conv2d(3, 4, 1, bias=False))
    counted = benchcli.costs({"live": network}, inputs=(1, 3, 8, 8), tools=tools())
    assert counted.costs["live"].flops == 64 * 12 + factor * 64 * 4
    named = benchcli.costs("mine:build", size=8, tools=tools())
    assert named.costs["mine:build"].flops == 64 * 12 + factor * 64 * 4


def test_a_wrong_rule_of_the_caller_is_an_error_of_the_user(tools: Callable[..., Tools]) -> None:
    benchcli.cost_rule("benchcli_tests::nothing")(lambda *_, **__: 1)
    with pytest.raises(UserError, match="no operator is named benchcli_tests::nothing"):
        benchcli.costs("mine:plain", size=8, tools=tools())
