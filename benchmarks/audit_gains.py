"""Compare the gains that an audit predicts with networks that were really changed.

Each change is listed here, before it is measured, with the network as it is and as it was changed by hand.
The audit of the network as it is predicts the gain: the sum of what it measured for the findings of one kind,
with no operator counted twice. Then both networks are measured beside each other. The goals: the right sign
wherever the effect is over 3 %, and a median error of at most a quarter of the gain.

    python benchmarks/audit_gains.py
    python benchmarks/audit_gains.py g2-stack fold-mobilenet
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch
from torch import nn

import benchcli
from benchcli.analysis.audit_findings import AuditFinding
from benchcli.workloads.networks.base import NETWORKS

IMAGE = (1, 3, 56, 56)
LARGE = 0.03
"""The effect above which the sign must be right."""


def conv(c_in: int, c_out: int, kernel: int = 1, groups: int = 1, stride: int = 1) -> nn.Sequential:
    """Return a convolution and its batch normalisation."""
    layer = nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(c_out))


def repeated(stem: int, count: int, block: Callable[[], nn.Module]) -> nn.Sequential:
    """Return a stem of so many channels and equal blocks."""
    return nn.Sequential(conv(3, stem, 3), *(block() for _ in range(count)))


class Sum(nn.Module):
    """The sum of branches."""

    def __init__(self, branches: Sequence[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Add the outputs."""
        total: torch.Tensor = self.branches[0](x)
        for branch in list(self.branches)[1:]:
            total = total + branch(x)
        return total


class Cat(Sum):
    """The concatenation of branches."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Concatenate the outputs along the channels."""
        return torch.cat([branch(x) for branch in self.branches], 1)


class Residual(nn.Module):
    """A body, with its shortcut and activation or without."""

    def __init__(self, body: nn.Module, elementwise: bool) -> None:
        super().__init__()
        self.body = body
        self.elementwise = elementwise

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Apply the body, and add and activate."""
        y: torch.Tensor = self.body(x)
        return torch.relu(y + x) if self.elementwise else y


def inverted(outer: int, inner: int, depthwise: bool) -> nn.Sequential:
    """Return an inverted bottleneck."""
    middle = [conv(inner, inner, 3, inner)] if depthwise else []
    return nn.Sequential(conv(outer, inner), *middle, conv(inner, outer))


def shipped(name: str) -> nn.Module:
    """Return a network that ships."""
    return NETWORKS[name].build(**NETWORKS[name].variant(None).params)


@dataclass(frozen=True)
class Change:
    """A network as it is and as it was changed, and what an audit calls the change."""

    audit: str
    before: Callable[[], nn.Module]
    after: Callable[[], nn.Module] | None
    """None: the same network in the runtime of the finding."""
    image: tuple[int, ...] = IMAGE


CHANGES = {
    "g1-inverted": Change(
        "g1",
        lambda: repeated(32, 6, lambda: inverted(32, 192, depthwise=False)),
        lambda: repeated(80, 6, lambda: inverted(80, 80, depthwise=False)),
    ),
    "g1-depthwise": Change(
        "g1",
        lambda: repeated(32, 6, lambda: inverted(32, 192, depthwise=True)),
        lambda: repeated(80, 6, lambda: inverted(80, 80, depthwise=True)),
    ),
    "g2-stack": Change(
        "g2",
        lambda: repeated(128, 8, lambda: conv(128, 128, 3, 4)),
        lambda: repeated(64, 8, lambda: conv(64, 64, 3)),
    ),
    "g2-pointwise": Change(
        "g2",
        lambda: repeated(192, 10, lambda: conv(192, 192, 1, 8)),
        lambda: repeated(64, 10, lambda: conv(64, 64)),
    ),
    "g2-shufflenet": Change(
        "g2",
        lambda: shipped("shufflenet-v1-1x-g3"),
        lambda: shipped("shufflenet-v1-1x-g1"),
        (1, 3, 224, 224),
    ),
    "g3-sum": Change(
        "g3",
        lambda: repeated(64, 8, lambda: Sum([conv(64, 64) for _ in range(4)])),
        lambda: repeated(128, 8, lambda: conv(128, 128)),
    ),
    "g3-concatenation": Change(
        "g3",
        lambda: repeated(96, 6, lambda: Cat([conv(96, 32), conv(96, 32), conv(96, 32)])),
        lambda: repeated(96, 6, lambda: conv(96, 96)),
    ),
    "g4-residual": Change(
        "g4",
        lambda: repeated(64, 8, lambda: Residual(conv(64, 64), elementwise=True)),
        lambda: repeated(64, 8, lambda: Residual(conv(64, 64), elementwise=False)),
    ),
    "alignment": Change(
        "alignment",
        lambda: repeated(58, 10, lambda: conv(58, 58)),
        lambda: repeated(64, 10, lambda: conv(64, 64)),
    ),
    "fold-mobilenet": Change("folding", lambda: shipped("mobilenet-v2-1.0"), None, (1, 3, 224, 224)),
    "fold-shufflenet": Change("folding", lambda: shipped("shufflenet-v2-1x"), None, (1, 3, 224, 224)),
}


def predicted(findings: Sequence[AuditFinding], audit: str) -> float:
    """Return the sum of the gains of one kind, no operator counted twice."""
    taken: set[int] = set()
    total = 0.0
    for each in findings:
        if each.audit == audit and each.gain and not taken & set(each.rebuilt):
            taken |= set(each.rebuilt)
            total += each.gain.estimate
    return total


def really(change: Change, seconds: float) -> tuple[float, float, float]:
    """Return the gain of the changed network beside the one as it is, with its interval."""
    torch.manual_seed(0)
    networks: dict[str, nn.Module] = {"as it is": change.before().eval()}
    networks["changed"] = (change.after or (lambda: folded(change.before())))().eval()
    run = benchcli.measure(networks, inputs=change.image, budget=seconds, precision=0.003)
    timing = run.records[1].timing
    if timing is None or timing.relative is None or timing.relative.low is None or timing.relative.high is None:
        raise SystemExit(f"no time: {run.records[1].failure}")
    relative = timing.relative
    return 1 - 1 / relative.estimate, 1 - 1 / relative.low, 1 - 1 / relative.high  # type: ignore[operator]


def folded(network: nn.Module) -> nn.Module:
    """Return a network with each batch normalisation that follows a convolution in a Sequential folded into it."""
    from torch.nn.utils.fusion import fuse_conv_bn_eval

    pairs = [
        (line, place)
        for line in network.eval().modules()
        if isinstance(line, nn.Sequential)
        for place in range(len(line) - 1)
        if isinstance(line[place], nn.Conv2d) and isinstance(line[place + 1], nn.BatchNorm2d)
    ]
    for line, place in pairs:
        line[place] = fuse_conv_bn_eval(line[place], line[place + 1])  # type: ignore[type-var, arg-type]
        line[place + 1] = nn.Identity()
    if left := sum(isinstance(each, nn.BatchNorm2d) for each in network.modules()):
        raise SystemExit(f"{left} batch normalisations were not folded")
    return network


def main() -> None:
    """Print a line for each change, and the two figures of the goals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("changes", nargs="*", metavar="CHANGE", help=f"default: all: {', '.join(CHANGES)}")
    parser.add_argument("--budget", type=float, default=30.0, help="seconds for each pair of networks")
    options = parser.parse_args()
    errors, wrong, large = [], 0, 0
    print(f"{'change':18} {'predicted':>10} {'measured':>24} {'error':>7}")
    for name in options.changes or CHANGES:
        change = CHANGES[name]
        audit = benchcli.audit(change.before().eval(), inputs=change.image)
        said, (gain, low, high) = predicted(audit.findings, change.audit), really(change, options.budget)
        error = abs(said - gain) / abs(gain)
        errors.append(error)
        if abs(gain) > LARGE:
            large, wrong = large + 1, wrong + (said * gain <= 0)
        says = {each.judgement for each in audit.findings if each.audit == change.audit and each.gain}
        mark = "  undecided, by the audit" if says == {"undecided"} else ""
        print(f"{name:18} {said:10.1%} {gain:8.1%} ({low:.1%} to {high:.1%}) {error:7.0%}{mark}", flush=True)
    print(
        f"right sign in {large - wrong} of {large} with an effect over {LARGE:.0%}; median error {median(errors):.0%}"
    )


if __name__ == "__main__":
    main()
