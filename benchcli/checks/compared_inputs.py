"""Find networks that base and head would call with other inputs: their times are those of other work."""

from collections.abc import Mapping

from benchcli.checks.pairs import Pair
from benchcli.checks.versions import BASE, HEAD
from benchcli.sampling.supervise import Survey


def other_input(pair: Pair, surveys: Mapping[str, Survey]) -> str | None:
    """Return how a pair's inputs differ, in its suites or as its networks give them; None if they do not.

    Values are compared under equal software: another version of torch may round random numbers otherwise.
    """
    if other := pair.other_input():
        return other
    costs = [surveys[side].costs.get((pair.name, side)) for side in (BASE, HEAD)]
    base, head = costs
    if base is None or head is None:
        return None
    if base.inputs != head.inputs:
        return f"{base.inputs} in base, {head.inputs} in head"
    hashes = {surveys[side].inputs.get((pair.name, side)) for side in (BASE, HEAD)}
    is_other = len(hashes) > 1 and surveys[BASE].software == surveys[HEAD].software
    return f"{base.inputs} of other values in head than in base; seed what draws them" if is_other else None
