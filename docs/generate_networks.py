"""Write docs/networks.md from the blocks and networks that ship; a test holds the two together."""

from collections.abc import Iterator
from pathlib import Path

from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.networks.base import NETWORKS, Network

PAGE = Path(__file__).parent / "networks.md"
INTRODUCTION = """# Blocks and networks

Written by `make docs` from what ships. `benchcli block` and `benchcli network` measure them,
[papers.md](papers.md) says how far they are the papers', and what was found with them.

## Blocks

Chains of ten, with the channels that give each the FLOPs of ShuffleNet V2's. A unit of stride 2 doubles its channels.

| block | what it is | source | violates |
|---|---|---|---|
"""
NETWORKS_HEADING = """
## Networks

Published figures are the papers', not measured here: millions of multiply-adds, and top-1 error on ImageNet in per
cent, single centre crop. A group is a level of complexity of ShuffleNet V2's Table 8. Empty: not published there.

| network | what it is | source | input | group | published MFLOPs | published top-1 error |
|---|---|---|---|---|---|---|
"""


def page() -> str:
    """Return the page's text."""
    return INTRODUCTION + "".join(_blocks()) + NETWORKS_HEADING + "".join(map(_network, NETWORKS))


def _blocks() -> Iterator[str]:
    for block in BLOCKS:
        broken = ", ".join(f"{name.upper()}: {why}" for name, why in block.breaks.items()) or "none"
        yield f"| `{block.name}` | {block.title} | {block.source} | {broken} |\n"


def _network(network: Network) -> str:
    mflops, error = (network.printed.mflops, network.printed.top1_error) if network.printed else (None, None)
    cells = (
        f"`{network.name}`",
        network.title,
        network.source,
        f"{network.size}×{network.size}",
        str(network.group or ""),
        f"{mflops:g}" if mflops else "",
        f"{error:g}" if error else "",
    )
    return "| " + " | ".join(cells) + " |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
