"""`benchcli audit`, its folder, and what it says of networks that it does not understand."""

import csv
import io
import json
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import pytest

import benchcli
import tests.cost.networks  # noqa: F401  it registers an operator, once for all tests
from benchcli.analysis.places import PLACE_COLUMNS
from benchcli.analysis.roofline import Placement
from benchcli.api import network_audit
from benchcli.api.audit_result import NetworkAudit
from benchcli.reports.views import cells
from benchcli.schema import Failure
from benchcli.schema.protocol import Conversation, Launcher, Layered, Sampled, Task
from tests.conftest import Outcome, inline, simulated

Cli = Callable[..., Outcome]
OWN = """
import torch
from torch import nn
from tests.cost.networks import Apply, unruled

def conv(c_in, c_out, kernel=1, groups=1):
    return nn.Sequential(
        nn.Conv2d(c_in, c_out, kernel, padding=kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out)
    )

def grouped(): return nn.Sequential(conv(3, 512), *(conv(512, 512, 1, 4) for _ in range(3)))
def wide(): return nn.Sequential(conv(3, 16), conv(16, 160), conv(160, 16), nn.ReLU())
def plain(): return nn.Sequential(nn.Conv2d(3, 16, 1), nn.Conv2d(16, 16, 3))
def branching(): return Apply(lambda s, x: s.a(x) if x.sum() > 0 else s.b(x), a=conv(3, 8), b=conv(3, 16))
def either(): return Apply(lambda s, x: s.a(x) if x.sum() > 0 else s.b(x), a=conv(3, 8), b=nn.Conv2d(3, 16, 1))
def other(): return Apply(lambda s, x: s.a(x) if x.sum() < 0 else s.b(x), a=conv(3, 8), b=nn.Conv2d(3, 16, 1))
def shared():
    layer = conv(16, 16, 1, 4)
    return nn.Sequential(conv(3, 16), layer, layer)
def direct(): return Apply(lambda s, x: s.c.forward(x), c=nn.Conv2d(3, 16, 1))
def noisy(): return Apply(lambda s, x: s.c(x) + torch.rand(1), c=nn.Conv2d(3, 16, 1))
def compiled(): return torch.compile(nn.Conv2d(3, 4, 1), backend="eager")
def in_place(): return nn.Sequential(conv(3, 16), nn.ReLU(inplace=True), conv(16, 128), nn.ReLU(inplace=True))
def fails(): raise RuntimeError("no weights here")
def strange(): return Apply(lambda s, x: unruled(s.c(x)), c=nn.Conv2d(3, 4, 1))
def encoder(): return nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)
encoder.example_inputs = lambda: torch.randn(1, 4, 16)
def recurrent(): return nn.LSTM(16, 8, batch_first=True)
class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.gated, self.last = nn.GRU(16, 8, batch_first=True), nn.Linear(8, 4)
    def forward(self, x):
        return self.last(self.gated(x)[0])
def gated(): return Gated()
gated.example_inputs = lambda: torch.randn(1, 4, 16)
recurrent.example_inputs = lambda: torch.randn(1, 4, 16)
"""


CLASSES = """

class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = conv(3, 512)
        self.body = nn.Sequential(
            conv(512, 512, 1, 4),
            conv(512, 512, 1, 4),
        )

    def forward(self, x): return self.body(self.first(x))
"""
OWN += CLASSES


@pytest.fixture
def own(tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(OWN)


def priced(task: Task, silence_s: float) -> Conversation:
    """Run a task inline, and let each layer take what its memory access takes at 1 GB/s, and 1 µs."""
    for event in inline(task, silence_s):
        if isinstance(event, Layered):
            of = tuple(replace(each, seconds=each.mac_bytes / 1e9 + 1e-6) for each in event.layers.layers)
            event = Layered(replace(event.layers, layers=of, call_s=sum(each.seconds for each in of)))
        yield event
    return True


@pytest.fixture
def audited(cli: Cli, own: None) -> Callable[..., Outcome]:
    def audit(name: str, *arguments: str) -> Outcome:
        sizes = () if name in ("mine:encoder", "mine:gated", "mine:recurrent") else ("--size", "16")
        return cli("audit", name, *sizes, "--device", "fake", "--output", "audit", *arguments, launcher=priced)

    return audit


Audited = Callable[..., Outcome]


def findings(outcome: Outcome) -> list[dict[str, str]]:
    assert outcome.code == 0, outcome.err
    return list(csv.DictReader(io.StringIO(outcome.out)))


def measured(rows: list[dict[str, str]]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for row in rows:
        if row["gain"]:
            found.setdefault(row["audit"], []).append((row["before"], row["after"]))
    return found


def test_a_grouped_network_has_its_finding_with_a_gain(audited: Audited) -> None:
    rows = findings(audited("mine:grouped", "--format", "csv"))
    assert measured(rows) == {
        "g2": [("conv 512>512 k1x1 g4; bn", "conv 256>256 k1x1; bn")],
        "folding": [("", "")],
    }
    (grouped,) = [row for row in rows if row["audit"] == "g2"]
    assert (grouped["places"], grouped["reason"]) == ("1.0 2.0 3.0", "4 groups, 512 to 512 channels")
    assert (grouped["judgement"], float(grouped["flops_change"])) == ("gain", 0.0)
    share, whole, speed, gain = (float(grouped[name]) for name in ("share", "rebuilt_share", "speed", "gain"))
    assert gain == pytest.approx(whole * (1 - 1 / speed))
    assert share < whole  # the batch normalisations are rebuilt too, and break nothing
    assert float(grouped["gain_low"]) <= gain <= float(grouped["gain_high"])


def test_the_page_says_what_would_help(audited: Audited, golden: Callable[[str, str], None]) -> None:
    shown = audited("mine:wide")
    assert shown.code == 0, shown.err
    golden("audit.txt", shown.out)


def test_the_layers_of_an_audit_and_of_a_run_have_columns_of_one_name(audited: Audited) -> None:
    assert audited("mine:wide").code == 0
    found = benchcli.load("audit")
    assert isinstance(found, NetworkAudit)
    (layers,) = (table for table in found.page.tables if table.key == "layers")
    of_run = [each.heading for each in cells.places([Placement(1.0, 0.5, "memory", 1.0)])]
    assert of_run == [each.heading for each in layers.columns if each.heading in of_run]
    assert {"intensity", "bound", "model ms"} & {each.heading for each in layers.columns} == {"model ms"}
    first = found.page.data["layers"][0]  # type: ignore[call-overload]
    assert set(PLACE_COLUMNS) <= set(first)
    assert "achieved" not in first


def test_layers_take_their_share_of_the_networks_own_time(audited: Audited) -> None:
    """Their launches took seven times as long."""
    data = json.loads(audited("mine:wide", "--format", "json").out)
    of, layers = data["network"], data["layers"]
    assert sum(each["seconds"] for each in layers) == pytest.approx(of["seconds"] * of["layers_share"])
    assert max(each["seconds"] for each in layers) < of["seconds"]


def test_a_recorded_audit_is_the_same(audited: Audited, cli: Cli) -> None:
    fresh = audited("mine:wide", "--format", "json")
    assert fresh.code == 0, fresh.err
    again = cli("show", "audit", "--format", "json")
    assert json.loads(again.out) == json.loads(fresh.out)
    loaded = benchcli.load("audit")
    assert isinstance(loaded, NetworkAudit)
    assert loaded.together
    assert {each.audit for each in loaded.findings if each.gain} == {"g1", "g4", "folding"}
    assert list(loaded.to_frame().columns) == ["title", "share", "gain", "gain_low", "gain_high", "judgement"]
    assert cli("show", "audit", "--depth", "1").out != cli("show", "audit").out


def test_a_report_has_the_gains_and_the_layers(audited: Audited, cli: Cli) -> None:
    assert audited("mine:wide", "--report", "audit.html").code == 0
    page = Path("audit.html").read_text(encoding="utf-8")
    assert "Share of the network&#x27;s time that each change would win" in page or "that each change would win" in page
    assert cli("report", "audit", "-o", "again.html").code == 0
    for kind in ("gains", "layers"):
        assert cli("plot", "audit", "--kind", kind, "-o", f"{kind}.json").code == 0
        assert json.loads(Path(f"{kind}.json").read_text(encoding="utf-8"))


def test_pull_requests_get_an_annotation_for_each_gain(audited: Audited) -> None:
    lines = audited("mine:grouped", "--format", "github").out.splitlines()
    assert lines[0].startswith("::notice title=benchcli audit mine%3Agrouped::mine:grouped: ")
    assert lines[1].startswith(
        "::notice file=mine.py,line=11,title=benchcli%3A group convolution%3A mine%3Agrouped::1.0 and 2 more: 4 groups"
    )


def test_an_annotation_points_at_the_line_that_makes_the_layer(audited: Audited) -> None:
    lines = audited("mine:Block", "--format", "github").out.splitlines()
    (line,) = [each for each in lines if "4 groups" in each and " file=" in each]
    number = OWN.splitlines().index("            conv(512, 512, 1, 4),") + 1
    assert line.startswith(f"::notice file=mine.py,line={number},")


def test_an_audit_in_the_way_is_not_offered_to_be_resumed(audited: Audited, cli: Cli) -> None:
    assert audited("mine:plain").code == 0
    again = audited("mine:plain")
    assert (again.code, "--resume" in again.err, "give an --output that is empty" in again.err) == (2, False, True)
    shutil.rmtree("audit/what-if", ignore_errors=True)
    assert "beyond the" not in cli("show", "audit", "--format", "json").out


def test_the_run_of_an_audit_is_explained(audited: Audited, cli: Cli) -> None:
    assert audited("mine:plain").code == 0
    explained = cli("explain", "audit")
    assert explained.code == 0, explained.err
    assert "Kernels of a call" in explained.out


def test_a_random_network_is_audited_if_that_is_allowed(audited: Audited) -> None:
    assert audited("mine:noisy").code == 4
    shutil.rmtree("audit")
    assert audited("mine:noisy", "--allow-random").code == 0


def test_an_audit_stands_alone(audited: Audited, cli: Cli) -> None:
    assert audited("mine:plain").code == 0
    several = cli("show", "audit", "audit")
    assert (several.code, several.out.count("What makes it slow")) == (0, 2), several.err
    for arguments in (("report", "audit", "other", "-o", "page.html"), ("show", "audit", "--baseline", "x")):
        shutil.copytree("audit", "other", dirs_exist_ok=True)
        refused = cli(*arguments)
        assert (refused.code, "Traceback" in refused.err) == (2, False), refused.err


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("branching", "g4"),
        ("branching", "the graph could not be traced"),
        ("shared", "g2"),
        ("in_place", "g1"),
        ("direct", "forward is called directly"),
        ("strange", "not understood, and in no finding: "),
        ("encoder", "guidelines say nothing of attention"),
        ("encoder", "no guideline has layers here that can be rebuilt; --apply measures the network in other forms"),
        ("recurrent", "guidelines say nothing of"),
        ("compiled", "no finding: no layers were timed"),
    ],
)
def test_every_kind_of_network_is_audited_or_said_not_to_be(audited: Audited, name: str, said: str) -> None:
    shown = audited(f"mine:{name}")
    assert shown.code in (0, 4), shown.err
    assert "Traceback" not in shown.err
    assert said in shown.out


def test_no_guideline_is_claimed_for_what_a_recurrent_layer_does(audited: Audited) -> None:
    """A GRU runs as hundreds of small operators, whose single times nobody measured."""
    shown = audited("mine:gated", "--format", "csv")
    assert shown.code == 0, shown.err
    assert [row["audit"] for row in findings(shown) if row["audit"].startswith("g")] == []


def test_a_network_that_cannot_be_traced_is_audited_by_what_was_dispatched(audited: Audited) -> None:
    refused = 0
    for name in ("either", "other"):  # one of them is counted in a branch that can be folded, and launched in another
        shown = audited(f"mine:{name}")
        assert shown.code == 0, (shown.out, shown.err)
        said = [line for line in shown.out.splitlines() if "the graph could not be traced" in line]
        assert len(said) == 1
        assert "in some of" in said[0]
        refused += "unsupported" in shown.out
        shutil.rmtree("audit")
    assert refused


def test_an_audit_starts_its_workers_once(tmp_path: Path) -> None:
    tools, started = simulated(priced), 0

    def workers(**settings: object) -> AbstractContextManager[Launcher]:
        nonlocal started
        started += 1
        return tools.workers(**settings)

    own = replace(tools, workers=workers)
    benchcli.audit("mobilenet-v1-0.25", size=32, device="fake", output=tmp_path / "audit", tools=own)
    assert started == 1


def test_a_changed_form_with_other_outputs_fails_unless_the_network_branches(audited: Audited) -> None:
    assert audited("mine:wide").code == 0
    found = benchcli.load("audit")
    assert isinstance(found, NetworkAudit)
    run = found.details
    for status, branching, failed in (
        ("unsupported", (), 0),
        ("wrong-output", (), 1),
        ("wrong-output", ("",), 0),
        ("crashed", ("",), 1),
    ):
        record = replace(run.results[1].records[0], failure=Failure(status, "no"), timing=None)  # type: ignore[arg-type]
        results = (run.results[0], replace(run.results[1], records=(record,)))
        audit = replace(
            found, details=replace(run, results=results), audited=replace(found.audited, branching=branching)
        )
        assert len(audit.failed) == failed, (status, branching)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("mine:fails",), 4, "no weights here"),
        (("mine:gone",), 2, "unknown callable 'gone'"),
        (("nothing",), 2, "unknown network 'nothing'"),
        (("mine:plain", "--input", "1x3x8x8", "--size", "8"), 2, "give the sizes in --input"),
        (("resnet*",), 2, "an audit is of one"),
        (("mine:plain", "--budget", "0s"), 2, "budget"),
    ],
)
def test_bad_input_is_one_line(cli: Cli, own: None, arguments: tuple[str, ...], code: int, said: str) -> None:
    refused = cli("audit", *arguments, "--device", "fake", launcher=priced)
    assert refused.code == code
    assert said in refused.err
    assert "Traceback" not in refused.err


def faster_folded(task: Task, silence_s: float) -> Conversation:
    """Run a task, and let what is folded take half the time."""
    for event in priced(task, silence_s):
        if isinstance(event, Sampled) and event.family.endswith("fold"):
            event = replace(event, sample=replace(event.sample, seconds=event.sample.seconds / 2))
        yield event
    return True


def test_the_fastest_change_that_keeps_the_weights_is_written(cli: Cli, own: None) -> None:
    arguments = ("audit", "mine:wide", "--size", "8", "--device", "fake", "--write", "faster.pt2")
    shown = cli(*arguments, launcher=faster_folded)
    assert shown.code == 0, shown.err
    assert "wrote faster.pt2: fold at 3 places; 2.00 times as fast" in shown.err
    assert Path("faster.pt2").exists()
    assert "faster.pt2 is there" in cli(*arguments, launcher=priced).err
    Path("faster.pt2").unlink()
    assert "not written: no change that keeps its weights is certainly faster" in cli(*arguments, launcher=priced).err
    assert not Path("faster.pt2").exists()


def test_all_changes_without_training_are_measured(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network_audit, "RUNTIMES", ())  # exporters change this process
    shown = audited("mine:wide", "--apply")
    assert "eager:fold+inplace" in shown.out
    assert "nhwc" in shown.out
    assert shown.code in (0, 4), shown.err
    shutil.rmtree("audit")
    without_images = audited("mine:encoder", "--apply")
    assert "eager:fold+inplace" in without_images.out
    assert "nhwc" not in without_images.out.partition("changed without training")[2]


def test_a_damaged_file_is_named(audited: Audited, cli: Cli) -> None:
    assert audited("mine:plain").code == 0
    file = Path("audit/audit.json")
    for text in ("", "{}", "[1]", '{"calls": [{"operator": 3}], "version": 1}', '{"calls": [], "version": 99}'):
        file.write_text(text, encoding="utf-8")
        refused = cli("show", "audit")
        assert (refused.code, "audit.json" in refused.err) == (2, True), text


def first_half(file: Path) -> None:
    text = file.read_text(encoding="utf-8")
    file.write_text(text[: len(text) // 2], encoding="utf-8")


def header_alone(file: Path) -> None:
    file.write_text(file.read_text(encoding="utf-8").splitlines(keepends=True)[0], encoding="utf-8")


@pytest.mark.parametrize("damage", [first_half, header_alone, Path.unlink])
def test_an_audit_that_was_cut_is_to_be_made_again(
    audited: Audited, cli: Cli, damage: Callable[[Path], object]
) -> None:
    assert audited("mine:wide").code == 0
    shutil.copytree("audit", "whole")
    own, rebuilt = ("measurements.csv", "environment.json"), ("what-if/environment.json", "what-if/samples.csv")
    for name in (*own, *rebuilt, *(["what-if/measurements.csv"] if damage is first_half else [])):
        if damage is first_half and name.endswith("samples.csv"):
            continue  # what is left of the samples is enough
        shutil.rmtree("audit")
        shutil.copytree("whole", "audit")
        damage(Path("audit") / name)
        refused = cli("show", "audit")
        assert (refused.code, refused.err.count("\n"), "resume" in refused.err) == (2, 1, False), refused.err
        assert "audit the network again" in refused.err
        assert name.rpartition("/")[2] in refused.err or damage is Path.unlink
        assert ("delete audit/what-if to read the audit without gains" in refused.err) == (
            name in rebuilt or "what-if" in name
        )


def test_a_module_is_audited_by_value(own: None, cli: Cli) -> None:
    from torch import nn

    network = nn.Sequential(nn.Conv2d(3, 8, 1), nn.Conv2d(8, 96, 1), nn.Conv2d(96, 8, 1))
    found = benchcli.audit(network, inputs=(1, 3, 8, 8), device="fake", output="audit", tools=simulated(priced))
    assert [each.before for each in found.findings if each.audit == "g1"] == [
        "conv 8>96 k1x1 bias; conv 96>8 k1x1 bias"
    ]
