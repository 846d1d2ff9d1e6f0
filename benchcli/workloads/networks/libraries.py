"""Networks of other libraries by name, with random weights, and names with wildcards."""

import inspect
import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from benchcli.errors import UserError, unknown
from benchcli.workloads.networks.base import SIZE

if TYPE_CHECKING:
    import torch
    from torch import nn

MOST = 100
"""The most networks that a name with wildcards stands for."""
LISTING_S = 120.0
"""Longest time for a library to list its networks, in seconds."""


def torchvision_model(model: str) -> "nn.Module":
    """Return one of torchvision's networks. Raises UserError with the nearest names.

    A detector keeps boxes of any score: with random weights none reaches its threshold.
    """
    from torchvision import models

    _refuse_unknown("torchvision model", model, names_of("torchvision"))
    build, options = models.get_model_builder(model), {"weights": None}
    if "weights_backbone" in inspect.signature(build).parameters:
        options["weights_backbone"] = None  # it would be downloaded
    network: Any = build(**options)
    for module in network.modules():
        if hasattr(module, "score_thresh"):
            module.score_thresh = 0.0
    return _with_examples(
        network, _torchvision_shapes(models, model, network), takes_list=hasattr(network, "roi_heads")
    )


def _torchvision_shapes(models: Any, model: str, network: Any) -> "list[tuple[int, ...]]":
    """Return the shapes of a network's inputs without the batch: the least of its weights' sizes."""
    kind = models.get_model_builder(model).__module__.split(".")[2]
    if kind == "detection":
        return [(3, *2 * network.transform.min_size[-1:])]
    if kind == "optical_flow":
        return [(3, 520, 960)] * 2
    presets = [getattr(each.transforms, "keywords", {}) for each in models.get_model_weights(model)]
    sizes = [preset.get("crop_size", preset.get("resize_size", SIZE)) for preset in presets]
    least = min((size if isinstance(size, int) else max(size) for size in sizes), default=SIZE)
    return [(3, *([16] if kind == "video" else []), least, least)]


def timm_model(model: str) -> "nn.Module":
    """Return one of timm's networks. Raises UserError with the nearest names."""
    import timm

    _refuse_unknown("timm model", model, names_of("timm"))
    network: nn.Module = timm.create_model(model, pretrained=False)
    size = getattr(network, "pretrained_cfg", {}).get("input_size")
    return _with_examples(network, [tuple(size)] if size else [])


def pytorchcv_model(model: str) -> "nn.Module":
    """Return one of pytorchcv's networks. Raises UserError with the nearest names."""
    from pytorchcv.model_provider import get_model

    _refuse_unknown("pytorchcv model", model, names_of("pytorchcv"))
    network: Any = get_model(model, pretrained=False)
    size = getattr(network, "in_size", None)
    colours = next((int(each.in_channels) for each in network.modules() if hasattr(each, "in_channels")), 3)
    return _with_examples(network, [(colours, *size)] if size else [])


def _refuse_unknown(kind: str, model: str, models: Iterable[str]) -> None:
    names = list(models)
    if model not in names:
        raise unknown(kind, model, names)


def _with_examples(network: "nn.Module", shapes: "Sequence[tuple[int, ...]]", takes_list: bool = False) -> "nn.Module":
    """Return a network with the inputs that its library gives it, if it says any, as its `example_inputs`.

    `takes_list` is whether the network takes a list with an image for each of the batch.
    """

    def example_inputs(batch: int) -> "tuple[torch.Tensor | list[torch.Tensor], ...]":
        import torch

        drawn = [torch.randn(batch, *shape) for shape in shapes]
        return tuple(list(each) if takes_list else each for each in drawn)

    if shapes:
        network.example_inputs = example_inputs  # type: ignore[assignment]
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
    matches = [name for name in names if fnmatchcase(name.lower(), pattern.lower())]
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
