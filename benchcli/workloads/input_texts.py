"""Read the inputs of a user's own network from text: "1x3x224x224", "ids=1x16:int64:0..29999"."""

import re
from collections.abc import Sequence
from itertools import pairwise

from benchcli.errors import UserError, unknown
from benchcli.schema import Input
from benchcli.settings import BATCHES, WIDTHS
from benchcli.spelling import given

FORM = "[NAME=]SIZES[:DTYPE[:LOW..HIGH]], the batch first, such as 1x3x224x224 or ids=1x16:int64:0..29999"
WHOLE = {"int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint8": 8}
"""The integer dtypes and their bits."""
DTYPES = ("float", "complex64", "bool", *WHOLE)
"""The dtypes of inputs; float is the dtype that is measured."""
OTHER_NAMES = {
    "long": "int64",
    "int": "int64",
    "float32": "float",
    "fp32": "float",
    "boolean": "bool",
    "complex": "complex64",
}
_TEXT = re.compile(
    r"(?:(?P<name>[^\W\d]\w*)\s*=\s*)?(?P<sizes>[^:=]+)(?::(?P<dtype>[^:]*))?(?::(?P<low>[^:]*?)\.\.(?P<high>[^:]*))?"
)


def read(texts: Sequence[str], kind: str = "") -> tuple[int, tuple[Input, ...]]:
    """Return the batch and the inputs; `kind` names them in errors. Raises UserError with the right form."""
    kind = kind or given("inputs")
    parsed = [_read(text, kind) for text in texts]
    batches = {batch for batch, _ in parsed}
    if len(batches) > 1:
        found, longer = " and ".join(map(str, sorted(batches))), next(filter(None, map(_with_batch, texts)), "")
        way_out = longer and f": where it is missing, give it first, as in {longer}"
        others = "; inputs that have none, such as offsets, come from example_inputs of the callable"
        raise UserError(f"{kind}: all inputs begin with one batch, not {found}{way_out}{others}")
    inputs = tuple(each for _, each in parsed)
    names = [each.name for each in inputs if each.name]
    if len(set(names)) < len(names):
        raise UserError(f"{kind}: {max(names, key=names.count)} is given twice")
    if any(not later.name and earlier.name for earlier, later in pairwise(inputs)):
        raise UserError(f"{kind}: inputs without a name come before those with one")
    return batches.pop(), inputs


def _with_batch(text: str) -> str:
    """Return the text of an input that has one size alone, with a batch of one before it; empty for others."""
    match = _TEXT.fullmatch(text.strip())
    if match is None or "x" in match["sizes"]:
        return ""
    at = match.start("sizes")
    return f"{match.string[:at]}1x{match.string[at:]}"


def _read(text: str, kind: str) -> tuple[int, Input]:
    match = _TEXT.fullmatch(text.strip())
    if match is None:
        raise UserError(f"{kind} is {FORM}, not {text[:80]!r}")
    batch, *shape = _sizes(match["sizes"], text, kind)
    name, written = match["name"] or "", (match["dtype"] or "float").strip().lower()
    dtype = OTHER_NAMES.get(written, written)
    if dtype not in DTYPES:
        raise unknown("dtype of an input", written, DTYPES)
    if match["low"] is None:
        if dtype in WHOLE:
            raise UserError(f"{kind}: {text[:80]} needs the range of its values: {text[:80]}:0..999, both included")
        return batch, Input(tuple(shape), name, dtype)
    if dtype not in WHOLE:
        raise UserError(f"{kind}: a range is for whole numbers, and {text[:80]!r} is {dtype}: leave it out")
    return batch, Input(tuple(shape), name, dtype, *_range(match["low"], match["high"], dtype, text, kind))


def _sizes(sizes: str, text: str, kind: str) -> list[int]:
    parts = re.split("[x×X]", sizes.strip())
    if not all(part.isascii() and part.isdigit() and len(part) < 10 for part in parts):
        raise UserError(f"{kind} is {FORM}, not {text[:80]!r}")
    batch = BATCHES.check("a batch size", int(parts[0]))
    return [batch, *(WIDTHS.check(f"a size in {text[:80]}", int(part)) for part in parts[1:])]


def _range(low: str, high: str, dtype: str, text: str, kind: str) -> tuple[int, int]:
    if not re.fullmatch(r"-?\d{1,18}", low.strip()) or not re.fullmatch(r"-?\d{1,18}", high.strip()):
        raise UserError(f"{kind}: the range of {text[:80]!r} is LOW..HIGH in whole numbers, such as 0..999")
    least, most = int(low), int(high)
    if least > most:
        raise UserError(f"{kind}: the range of {text[:80]!r} ends before it begins: write {most}..{least}")
    bits = WHOLE[dtype]
    smallest, largest = (0, 2**bits - 1) if dtype.startswith("u") else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if least < smallest or most > largest:
        raise UserError(f"{kind}: {dtype} holds {smallest} to {largest}, not {least}..{most}")
    return least, most
