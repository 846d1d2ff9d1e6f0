"""Networks of other libraries by name, with random weights, and names with wildcards."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from fnmatch import fnmatchcase
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from benchcli.errors import UserError, unknown

if TYPE_CHECKING:
    from torch import nn

MOST = 100
"""The most networks that a name with wildcards stands for."""
LISTING_S = 120.0
"""Longest time for a library to list its networks, in seconds."""


def torchvision_model(model: str) -> "nn.Module":
    """Return one of torchvision's classifiers. Raises UserError with the nearest names."""
    from torchvision import models

    return _create(models.get_model, "torchvision model", model, names_of("torchvision"), weights=None)


def timm_model(model: str) -> "nn.Module":
    """Return one of timm's networks. Raises UserError with the nearest names."""
    import timm

    return _create(timm.create_model, "timm model", model, names_of("timm"), pretrained=False)


def pytorchcv_model(model: str) -> "nn.Module":
    """Return one of pytorchcv's networks. Raises UserError with the nearest names."""
    from pytorchcv.model_provider import get_model

    return _create(get_model, "pytorchcv model", model, names_of("pytorchcv"), pretrained=False)


def _create(make: Any, kind: str, model: str, models: Iterable[str], **options: Any) -> "nn.Module":
    names = list(models)
    if model not in names:
        raise unknown(kind, model, names)
    network: nn.Module = make(model, **options)
    return network


LIBRARIES: "Mapping[str, Callable[[str], nn.Module]]" = {
    "torchvision": torchvision_model,
    "timm": timm_model,
    "pytorchcv": pytorchcv_model,
}
"""Library name to the function that builds one of its networks by name."""


def names_of(library: str) -> list[str]:
    """Return the names of a library's networks. It imports the library, and torch with it."""
    if library == "torchvision":
        from torchvision import models

        return list(models.list_models())
    if library == "timm":
        import timm

        return list(timm.list_models())
    from pytorchcv.model_provider import _models

    return list(_models)


def has_wildcards(name: str) -> bool:
    """Return whether a name stands for all networks that it matches, such as "mobilenet*"."""
    return bool(set(name) & set("*?["))


def matching(pattern: str, shipped: Iterable[str]) -> list[str]:
    """Return the names that a pattern stands for: of networks that ship, or of an installed library.

    Raises UserError if there are none, or too many.
    """
    library, colon, _ = pattern.partition(":")
    if colon and library not in LIBRARIES:
        raise UserError(f"{pattern!r} has wildcards, which are for networks that ship and for {', '.join(LIBRARIES)}")
    names = [f"{library}:{each}" for each in _listed(library)] if colon else list(shipped)
    matches = [name for name in names if fnmatchcase(name, pattern)]
    if not matches:
        raise UserError(f"{pattern!r} matches none of {len(names)} networks: `benchcli list networks '{pattern[:1]}*'`")
    if len(matches) > MOST:
        raise UserError(f"{pattern!r} stands for {len(matches)} networks, more than {MOST}: give a narrower pattern")
    return matches


@cache
def _listed(library: str) -> list[str]:
    """Return the names of a library's networks from a process of its own: this one does not load torch."""
    refuse_missing(library)
    program = (
        "import json, sys; from benchcli.workloads.networks.libraries import names_of; "
        f"json.dump(names_of({library!r}), sys.stdout)"
    )
    try:
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, timeout=LISTING_S, check=True
        )
        names: list[str] = json.loads(done.stdout)
    except (subprocess.SubprocessError, OSError, ValueError) as error:
        last = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1:]
        raise UserError(f"{library} cannot list its networks: {' '.join(last)}") from None
    return names


def refuse_missing(library: str) -> None:
    """Raise UserError if a library is not installed."""
    if find_spec(library) is None:
        raise UserError(f"{library} is not installed: `pip install {library}`, beside this torch")
