"""Training steps: what they compute, what is timed of them, and what cannot be trained."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
import torch
from torch import nn

import benchcli
from benchcli.api.run_result import Run
from benchcli.cost.inputs import Inputs
from benchcli.cost.training import TrainingError, TrainingStep
from benchcli.sampling.timings import timing
from benchcli.schema import Sample, Step, Target, Variant
from benchcli.schema.protocol import LAUNCH, SURVEY, Counted, Event, Failed, Sampled, Task
from benchcli.settings import STEPS
from benchcli.workers.worker import do
from tests.conftest import Outcome
from tests.networks import training
from tests.values import COSTS, family, sample

Cli = Callable[..., Outcome]
OWN = "tests.networks.training:"


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 3, bias=False), nn.Linear(3, 2, bias=False))


def test_the_gradients_are_those_of_the_mean_by_hand(network: nn.Module) -> None:
    images = torch.randn(5, 4)
    step = TrainingStep(network, Inputs((images,)))
    for _ in range(2):  # cleared before each
        step()
    first, second = network.parameters()
    by_hand = torch.ones(5, 2) / 10
    torch.testing.assert_close(second.grad, by_hand.T @ (images @ first.T))
    torch.testing.assert_close(first.grad, (by_hand @ second).T @ images)
    assert step.names() == ["0.weight", "1.weight"]


def test_a_step_is_one_of_gradient_descent(network: nn.Module) -> None:
    first = next(network.parameters())
    before = first.detach().clone()
    TrainingStep(network, Inputs((torch.randn(5, 4),)), optimizer=torch.optim.SGD(network.parameters(), 0.5))()
    assert first.grad is not None
    torch.testing.assert_close(first.detach(), before - 0.5 * first.grad)


def test_a_step_computes_gradients_in_any_mode(network: nn.Module) -> None:
    step = TrainingStep(network, Inputs((torch.randn(5, 4),)))
    with torch.inference_mode():
        step()
    assert len(step.gradients()) == 2


def test_complex_and_several_outputs_have_a_loss() -> None:
    class Both(nn.Linear):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            real = super().forward(inputs)
            return real, torch.complex(real, real), real.argmax()  # type: ignore[return-value]

    torch.manual_seed(0)
    network = Both(4, 1, bias=False)
    images = torch.rand(1, 4)
    TrainingStep(network, Inputs((images,)))()
    sign = torch.sign(network(images)[0]).item()
    assert network.weight.grad is not None
    torch.testing.assert_close(network.weight.grad, images * (1 + sign * 2**0.5))


def test_the_step_marks_the_ends_of_its_parts(network: nn.Module) -> None:
    inputs = Inputs((torch.randn(5, 4),))
    marks: list[int] = []
    without = TrainingStep(network, inputs)
    without(lambda: marks.append(1))
    assert len(marks) == without.marks == 3
    trained = TrainingStep(network, inputs, optimizer=torch.optim.SGD(network.parameters()))
    trained(lambda: marks.append(1))
    assert len(marks) - 3 == trained.marks == 4


def test_a_network_without_parameters_has_no_step() -> None:
    with pytest.raises(TrainingError, match="it has no parameter that needs a gradient: give --step inference"):
        TrainingStep(nn.ReLU(), Inputs((torch.ones(1),)))


def test_every_step_is_explained() -> None:
    assert tuple(STEPS) == get_args(Step)


def events_of(kind: str, name: str, step: Step) -> list[Event]:
    variant = Variant(name, f"{OWN}{name}", {}, (3, 8, 8), "3")
    of = replace(family(variant, guideline="", name="own"), step=step, batch=2)
    events: list[Event] = []
    costs = {of.name: {name: COSTS}}
    do(Task(kind, Target("cpu"), (of,), costs, seconds=0.0, rounds=3), events.append)  # type: ignore[arg-type]
    return events


def samples_of(events: list[Event]) -> Iterator[Sample]:
    return (event.sample for event in events if isinstance(event, Sampled))


@pytest.mark.usefixtures("worker_threads")
@pytest.mark.parametrize("name", ["plain", "with_loss", "half_frozen"])
def test_the_parts_of_a_sample_add_up_to_it(name: str) -> None:
    trained = list(samples_of(events_of(LAUNCH, name, "train")))
    assert len(trained) >= 3
    for each in trained:
        assert each.forward_s
        assert each.backward_s
        assert each.update_s
        assert each.forward_s + each.backward_s + each.update_s <= each.seconds
    assert max(sum(each.part_shares) for each in trained) > 0.5  # a core that is taken away between parts adds to none


@pytest.mark.usefixtures("worker_threads")
def test_without_an_optimiser_there_is_no_update() -> None:
    for each in samples_of(events_of(LAUNCH, "plain", "forward-backward")):
        assert each.backward_s
        assert each.update_s is None


@pytest.mark.usefixtures("worker_threads")
def test_inference_has_no_parts() -> None:
    assert {each.part_shares for each in samples_of(events_of(LAUNCH, "plain", "inference"))} == {()}


@pytest.mark.usefixtures("worker_threads")
def test_weights_that_diverge_while_they_are_timed_are_no_time() -> None:
    events = events_of(LAUNCH, "diverging", "train")
    (failed,) = (event for event in events if isinstance(event, Failed))
    assert (failed.status, list(samples_of(events))) == ("wrong-output", [])
    assert failed.error.startswith("its weights or gradients are not finite after some steps: its optimizer diverges")


@pytest.mark.usefixtures("worker_threads")
def test_the_output_of_a_step_holds_its_gradients() -> None:
    (counted,) = (event for event in events_of(SURVEY, "plain", "train") if isinstance(event, Counted))
    names = [part.name for part in counted.output.tensors]
    assert names == ["", *(f"gradient.{name}" for name, _ in training.plain().named_parameters())]
    (again,) = (event for event in events_of(SURVEY, "plain", "train") if isinstance(event, Counted))
    assert again.output == counted.output  # the draws of dropout are seeded


@pytest.mark.parametrize(
    ("name", "code", "sentence"),
    [
        ("without_parameters", 2, "it has no parameter that needs a gradient: give --step inference"),
        ("frozen", 2, "it has no parameter that needs a gradient: give --step inference"),
        ("reads", 2, "no output depends on a parameter that needs a gradient: give --step inference"),
        ("of_many", 2, "its loss is a tensor of 1×10: let it return one number, such as a mean"),
        ("of_float", 2, "its loss is a float: let it return a tensor with one number"),
        ("raising", 2, "its loss raised TypeError: <lambda>() missing 1 required positional argument: '_'"),
        ("detached", 2, "its loss depends on no parameter that needs a gradient"),
        ("no_optimizer", 2, "its optimizer returned a int: let it return a torch.optim.Optimizer"),
        ("named_optimizer", 2, "its optimizer is a str: let it be a function of the parameters"),
        ("raising_optimizer", 2, "its optimizer raised ValueError: Invalid learning rate: -1.0"),
        ("of_complex", 2, "its loss is a complex number: let it return a real one, such as its magnitude"),
        ("overwritten", 2, "it has no gradients (one of the variables needed for gradient computation has been"),
        ("closing", 2, "its optimizer calls the network itself, as LBFGS does: give one that does not"),
        ("one_value", 2, "its batch normalisation gets one value a channel, which has no variance: give a larger"),
        ("exploding", 4, "its gradients are not finite in float32: its loss is too steep, or not finite"),
        ("diverging", 4, "its optimizer diverges, give it a smaller learning rate"),
    ],
)
def test_what_cannot_be_trained_gets_one_line(cli: Cli, name: str, code: int, sentence: str) -> None:
    found = cli("network", f"{OWN}{name}", "--step", "train", "--device", "fake", "--launches", "1")
    assert found.code == code
    assert sentence in found.err
    assert len(found.err.splitlines()) == 1


def test_steps_are_compared_like_other_settings(cli: Cli) -> None:
    steps = "inference,forward-backward,train"
    words = ("network", f"{OWN}plain", "--device", "fake", "--launches", "6", "--output", "run")
    found = cli(*words, "--step", steps)
    assert found.code == 0
    run = benchcli.load("run")
    assert isinstance(run, Run)
    assert [record.family.step for record in run.records] == steps.split(",")
    assert [record.family.name for record in run.records] == [f"networks-{step}" for step in steps.split(",")]
    bytes_of = [record.costs.mac_bytes for record in run.records if record.costs]
    assert bytes_of == sorted(set(bytes_of))
    for step in steps.split(","):
        assert f"{OWN}plain  {step}" in found.out


def test_a_suite_has_steps(cli: Cli) -> None:
    Path("steps.toml").write_text(
        '[[family]]\nguideline = "g2"\nvalues = [1, 8]\nsize = 8\nwidths = 8\nstep = "forward-backward"\n'
    )
    found = cli("run", "steps.toml", "--device", "cpu", "--launches", "1", "--output", "run")
    assert found.code == 0
    assert "batch 1 · forward-backward" in found.out
    assert "forward ms" in found.out
    run = benchcli.load("run")
    assert isinstance(run, Run)
    for record in run.records:
        assert record.family.step == "forward-backward"
        assert record.timing
        assert record.timing.parts
        assert record.timing.parts.update is None
        parts = record.timing.parts.forward + record.timing.parts.backward
        assert parts == pytest.approx(record.timing.seconds.estimate)
    family = run.records[0].family
    assert family.references
    assert {family.step_of(each) for each in family.references} == {"inference"}


def test_layers_are_of_a_forward_call(cli: Cli) -> None:
    found = cli("network", f"{OWN}plain", "--step", "train", "--layers", "--device", "fake")
    assert (found.code, found.err) == (
        2,
        "benchcli: --layers times the modules of a forward call: leave it out, or give --step inference\n",
    )


def test_a_graph_trains_nothing(cli: Cli) -> None:
    found = cli("network", f"{OWN}plain", "--step", "train", "--runtime", "graph", "--device", "fake")
    assert found.code == 4
    assert "graph computes no gradients: give --runtime eager" in found.err


def test_the_parts_add_up_to_the_time() -> None:
    samples = [
        replace(sample("a", launch, number, s), forward_s=s / 4, backward_s=s / 2, update_s=s / 8)
        for launch in range(6)
        for number, s in enumerate((1.0, 2.0, 4.0))
    ]
    (known,) = filter(None, [timing(samples, samples, is_baseline=True)])
    assert known.parts is not None
    assert known.parts.update is not None
    assert known.parts.forward + known.parts.backward + known.parts.update == pytest.approx(known.seconds.estimate)
    assert known.parts.backward == pytest.approx(known.seconds.estimate * 4 / 7)
