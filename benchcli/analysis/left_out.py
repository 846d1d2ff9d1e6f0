"""Find what another tool's count of multiply-adds leaves out, from this package's count of each call."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from benchcli.schema import OperatorCall

MOST_TOGETHER = 3
"""The most operators, or modules, that are looked for together."""


COUNTED_BY_ALL = {f"aten.{name}" for name in ("convolution", "mm", "addmm", "bmm", "baddbmm")}
"""What a tool leaves out of some modules, if it does, and not as an operator."""
MOST_NAMES = 60
"""The most names of which several are looked for together."""


def left_out(calls: Sequence[OperatorCall], missing: int) -> tuple[str, ...]:
    """Return the operators whose multiply-adds are what is missing in a count, else the modules; empty if none are.

    A tool that traces a network sees a recurrent layer as one operator, and this package those that it
    is made of: then the module is what is left out. Of products and convolutions, which every tool counts,
    none is named where other modules make the same sum, as equal layers do: which of them is left out is
    not known then.
    """
    if missing <= 0:
        return ()
    by_operator, by_module = dict[str, int](), dict[str, int]()
    for call in calls:
        by_operator[call.name] = by_operator.get(call.name, 0) + (call.flops or 0)
        for path in _holders(call.module):
            by_module[path] = by_module.get(path, 0) + (call.flops or 0)
    operators, modules = _making(by_operator, missing), _making(by_module, missing)
    uncommon = [names for names in operators if not COUNTED_BY_ALL & {*names}]
    if len(uncommon) == 1:
        return uncommon[0]
    counted = [call for call in calls if call.flops]
    explained = {tuple(call.name in names for call in counted) for names in operators}
    explained |= {tuple(any(path in names for path in _holders(call.module)) for call in counted) for names in modules}
    return next(iter([*operators, *modules]), ()) if len(explained) == 1 else ()


def _holders(path: str) -> Iterator[str]:
    """Yield a module and those that hold it, the network itself apart."""
    parts = path.split(".") if path else []
    return (".".join(parts[:length]) for length in range(1, len(parts) + 1))


def _making(sums: Mapping[str, int], missing: int) -> list[tuple[str, ...]]:
    """Return each choice of the fewest names whose sums make `missing`, none of the names within another."""
    few = {name: count for name, count in sums.items() if 0 < count <= missing}
    for size in range(1, MOST_TOGETHER + 1 if len(few) <= MOST_NAMES else 2):
        found = [
            names
            for names in combinations(few, size)
            if sum(few[name] for name in names) == missing and not _overlap(names)
        ]
        if found:
            return [names for names in found if not any(_is_within(names, other) for other in found)]
    return []


def _is_within(names: Sequence[str], others: Sequence[str]) -> bool:
    """Return whether some modules are those of others, or in them, and not the same."""
    inside = all(any(f"{name}.".startswith(f"{other}.") for other in others) for name in names)
    return inside and tuple(names) != tuple(others)


def _overlap(names: Sequence[str]) -> bool:
    return any(other.startswith(f"{name}.") for name in names for other in names)
