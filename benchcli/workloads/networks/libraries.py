"""Networks of other libraries, by their names there, with random weights."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from benchcli.errors import unknown

if TYPE_CHECKING:
    from torch import nn


def torchvision_model(model: str) -> "nn.Module":
    """Return one of torchvision's classifiers. Raises UserError with the nearest names."""
    from torchvision import models

    return _made(models.get_model, "torchvision model", model, models.list_models(), weights=None)


def timm_model(model: str) -> "nn.Module":
    """Return one of timm's networks. Raises UserError with the nearest names."""
    import timm

    return _made(timm.create_model, "timm model", model, timm.list_models(), pretrained=False)


def _made(make: Any, kind: str, model: str, known: Iterable[str], **options: Any) -> "nn.Module":
    names = list(known)
    if model not in names:
        raise unknown(kind, model, names)
    network: nn.Module = make(model, **options)
    return network


LIBRARIES: "Mapping[str, Callable[[str], nn.Module]]" = {"torchvision": torchvision_model, "timm": timm_model}
"""What makes a library's networks, by their names there."""
