"""Describe what a variant raised: the status of its row, and one line that says where and what to do."""

import torch

from benchcli import formatting
from benchcli.cost.training import TrainingError
from benchcli.errors import CostRuleError, UserError
from benchcli.guards import code_versions
from benchcli.guards.outputs import WrongOutputError
from benchcli.sampling.error_origin import origin_of
from benchcli.schema import Key, Status
from benchcli.schema.protocol import Failed
from benchcli.spelling import given

MOST_LETTERS = 300
"""The most letters of an error's own text."""
NO_MEMORY = ("can't allocate memory", "out of memory", "alloc_failed")
"""Out-of-memory messages of allocators without an error class: CPU, MPS, cuDNN and cuBLAS."""
NO_SUPPORT = ("not implemented for", "doesn't support float64", "does not support", "is only supported for")
SCRIPTED = "The following operation failed in the TorchScript interpreter."
"""How TorchScript begins its messages, whose last lines have the reason."""
REASON = "RuntimeError: "


class IntrusionError(code_versions.SourceError):
    """A network changes the process for the others of its family."""


def failed(key: Key, error: Exception, beside: int = 0) -> Failed:
    """Return the event of an error that a variant raised, built beside so many other networks."""
    status, text = failure(error)
    if status == "out-of-memory" and beside:
        networks = formatting.counted(beside, "network")
        text = f"beside {networks} of its family: give it a family of its own, or a smaller {given('batch')} ({text})"
    return Failed(*key, status, text, isinstance(error, IntrusionError))


def failure(error: Exception) -> tuple[Status, str]:
    """Return the status and the one-line text of an error that a variant raised, with where it comes from."""
    text = explanation(error)
    return _status(error, text), "; ".join(filter(None, (text.removesuffix("."), *_details(error))))


def _details(error: Exception) -> list[str]:
    """Return the notes of an error and where it comes from; nothing if what the network holds cannot be looked at."""
    try:
        details = [*getattr(error, "__notes__", ()), origin_of(error)]
        return [_one_line(str(each))[:MOST_LETTERS] for each in details]
    except Exception:  # a network's objects may raise anything
        return []


def explanation(error: Exception) -> str:
    """Return the one-line text of an error; the class of one that does not say what to do comes first."""
    text = _one_line(_reason(str(error)))[:MOST_LETTERS] or type(error).__name__
    explains_itself = (code_versions.SourceError, UserError, WrongOutputError, NotImplementedError)
    plain = isinstance(error, explains_itself) or _status(error, text) in {"out-of-memory", "unsupported"}
    return text if plain else f"{type(error).__name__}: {text}"


def _status(error: Exception, text: str) -> Status:
    if isinstance(error, code_versions.RefusedError | TrainingError | CostRuleError):
        return "refused"
    if isinstance(error, WrongOutputError):
        return "wrong-output"
    if isinstance(error, MemoryError | torch.OutOfMemoryError) or any(pattern in text.lower() for pattern in NO_MEMORY):
        return "out-of-memory"
    if isinstance(error, NotImplementedError) or any(pattern in text for pattern in NO_SUPPORT):
        return "unsupported"
    return "failed"


def _reason(text: str) -> str:
    """Return what TorchScript's message ends with, if it is one of its messages."""
    if not text.startswith(SCRIPTED):
        return text
    return text.rpartition(REASON)[2].strip() or "an operation failed in TorchScript, which does not say why"


def _one_line(text: str) -> str:
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
