"""Networks for benchcli and other tools: G2 at x1, with the channels of the paper's ARM column.

If the environment variable TOWERS is set ("head:name,name"), they are the networks of one side of
the gate's benchmark (towers.py).
"""

import os
from collections.abc import Callable
from functools import partial

from benchcli.schema import Family
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.overrides import Overrides


def family() -> Family:
    """Return the family of G2 at x1."""
    return next(GuidelineRequest(guideline="g2").families(Overrides()))


def calls() -> dict[str, Callable[[], object]]:
    """Build the networks in this process, on one thread.

    Returns a function per network that calls it.
    """
    import torch

    side, _, names = os.environ.get("TOWERS", "").partition(":")
    if side:
        import towers

        return towers.calls(names.split(","), side)
    from benchcli.sampling.bench import load

    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    g2 = family()
    loaded = {variant.name: load(variant, g2, "cpu") for variant in g2.variants}
    return {name: partial(network, inputs) for name, (network, inputs) in loaded.items()}
