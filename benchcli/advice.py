"""The sentences of warnings: a code, perhaps with a detail after a colon, becomes what a person reads."""

from collections.abc import Callable, Iterable

from benchcli.schema import Record

_SENTENCES: dict[str, Callable[[str], str]] = {
    "page-faults": lambda detail: (
        f"{detail} page faults a call: memory is given back and faulted in afresh at each call, and that, more than "
        "the network, is what was timed; --allocator steady keeps it"
    ),
    "imprecise": lambda detail: (
        "wider than asked: "
        + (
            "so many launches were asked for"
            if detail == "launches"
            else "the budget was spent first; give a larger --budget"
        )
    ),
    "no-baseline": lambda _detail: "the baseline has no time, so there is no relative speed",
    "costs": lambda detail: f"not counted for certain: {detail}",
    "threads": lambda detail: (
        f"{detail}: threads that outnumber cores wait for each other, and calls read too slow; give fewer --threads"
    ),
    "allocator": lambda detail: f"{detail}'s allocator takes no settings: steady is the system's here",
}


def sentence(code: str) -> str:
    """Return what a warning's code means, and what to do."""
    kind, _, detail = code.partition(":")
    return _SENTENCES[kind](detail) if kind in _SENTENCES else code


def grouped(records: Iterable[Record]) -> dict[str, list[str]]:
    """Return each warning once, with the variants that it is about; of page faults, the most."""
    found: dict[str, list[str]] = {}
    faults: dict[str, list[str]] = {}
    for record in records:
        for code in record.warnings:
            place = faults if code.startswith("page-faults:") else found
            names = place.setdefault(code, [])
            if record.variant.name not in names:
                names.append(record.variant.name)
    if faults:
        most = max(faults, key=lambda code: float(code.partition(":")[2]))
        found[most.replace(":", ":up to ")] = list(dict.fromkeys(name for names in faults.values() for name in names))
    return found
