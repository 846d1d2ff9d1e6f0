"""The networks that scripts give to benchcli and to its peers: G2 at x1, in the channels of the paper's ARM column.

Where the variable TOWERS is set, "head:name,name", they are one side of the gate's benchmark (towers.py).
"""

import os
from collections.abc import Callable
from functools import partial

from benchcli.schema import Family
from benchcli.workloads.guidelines.family import GuidelineRequest
from benchcli.workloads.overrides import Overrides


def family() -> Family:
    """Return the family, its baseline first."""
    return next(GuidelineRequest(guideline="g2").families(Overrides()))


def calls() -> dict[str, Callable[[], object]]:
    """Build the networks in this process, on one thread, and return what calls each."""
    import torch

    side, _, names = os.environ.get("TOWERS", "").partition(":")
    if side:
        import towers

        return towers.calls(names.split(","), side)
    from benchcli.measure.worker.bench import load

    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    of = family()
    loaded = {variant.name: load(variant, of, "cpu") for variant in of.variants}
    return {name: partial(network, inputs) for name, (network, inputs) in loaded.items()}
