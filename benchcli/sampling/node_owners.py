"""Tell which module of a network each node of a runtime's graph comes from."""

from collections.abc import Collection, Mapping, Sequence

from benchcli.backends.runtimes.base import RanNode
from benchcli.grouping import groups
from benchcli.schema import Category, OperatorCall

COMPUTING: frozenset[Category] = frozenset({"convolution", "depthwise", "product"})
MOST_STEPS = 4
"""The most modules between the one whose name a fused node has and the one whose multiply-adds it computes."""


class NodeOwners:
    """The modules of a network, and the operators that each calls itself."""

    def __init__(self, paths: Collection[str], operators: Sequence[OperatorCall]) -> None:
        self._paths, self._operators = frozenset(paths), operators
        self._own = groups(operators, lambda call: self._nearest(call.module))

    def seconds(self, nodes: Sequence[RanNode]) -> Mapping[str, float]:
        """Return the seconds of the nodes of each module; those of no module count for the network itself, ""."""
        own = groups(nodes, self._owner)
        return {path: sum(each.kernel.seconds for each in of) for path, of in own.items()}

    def _owner(self, node: RanNode) -> str:
        """Return the module of a node.

        A normalisation or an activation that is fused into a convolution may give the node its name: the
        node is of the module whose multiply-adds it computes.
        """
        named = path = self._nearest(node.module or "")
        if node.module is None or node.category not in COMPUTING:
            return named
        for _ in range(MOST_STEPS):
            if any(call.flops for call in self._own.get(path, ())):
                return path
            producers = [each for call in self._own.get(path, ())[:1] for each in call.producers if each is not None]
            if not producers:
                break
            path = self._nearest(self._operators[producers[0]].module)
        return named

    def _nearest(self, path: str) -> str:
        """Return a module, or the nearest one around it that was seen."""
        while path and path not in self._paths:
            path = path.rpartition(".")[0]
        return path
