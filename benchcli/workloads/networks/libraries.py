"""Build networks of torchvision and timm by name, with random weights."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from benchcli.errors import unknown

if TYPE_CHECKING:
    from torch import nn


def torchvision_model(model: str) -> "nn.Module":
    """Return one of torchvision's classifiers. Raises UserError with the nearest names."""
    from torchvision import models

    return _create(models.get_model, "torchvision model", model, models.list_models(), weights=None)


def timm_model(model: str) -> "nn.Module":
    """Return one of timm's networks. Raises UserError with the nearest names."""
    import timm

    return _create(timm.create_model, "timm model", model, timm.list_models(), pretrained=False)


def _create(make: Any, kind: str, model: str, models: Iterable[str], **options: Any) -> "nn.Module":
    names = list(models)
    if model not in names:
        raise unknown(kind, model, names)
    network: nn.Module = make(model, **options)
    return network


LIBRARIES: "Mapping[str, Callable[[str], nn.Module]]" = {"torchvision": torchvision_model, "timm": timm_model}
"""Library name to the function that builds one of its networks by name."""
