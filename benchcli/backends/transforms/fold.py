"""Fold batch normalisation into the convolution or the linear layer before it.

In inference both are linear: the scale goes into the weight, and the shift into the bias (Jacob et
al., CVPR 2018, section 3.2).
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from benchcli.backends.transforms.base import TRANSFORMS, Transform

if TYPE_CHECKING:
    import torch

    from benchcli.backends.dataflow import Dataflow, LayerCall
    from benchcli.cost.inputs import Inputs


class Fold(Transform):
    """Layers with the weights of two, and nothing in the place of the normalisation."""

    name = "fold"
    title = "batch normalisation folded into the convolution or linear layer before it"
    suggestion = "fold each batch normalisation into the layer before it: torch.nn.utils.fusion.fuse_conv_bn_eval"
    nothing = "no batch normalisation alone reads the output of a convolution or linear layer: leave fold out"
    order = 1

    def applies(self, network: "torch.nn.Module", inputs: "Inputs") -> int:
        """Return the number of batch normalisations that can be folded."""
        return len(_pairs(network, inputs))

    def apply(self, network: "torch.nn.Module", inputs: "Inputs") -> "tuple[torch.nn.Module, Inputs]":
        """Return the network itself, with each pair folded."""
        import torch

        pairs = _pairs(network, inputs)
        if not pairs:
            raise NotImplementedError(self.nothing)
        for layer, norm in pairs:
            fold_into(layer, norm)
        folded = {norm for _, norm in pairs}
        for holder in list(network.modules()):
            for name, child in holder._modules.items():
                if child in folded:
                    holder._modules[name] = torch.nn.Identity()
        return network, inputs


def _pairs(network: "torch.nn.Module", inputs: "Inputs") -> "list[tuple[torch.nn.Module, torch.nn.Module]]":
    """Return the layers that a batch normalisation alone reads, each with it, in the order of the calls."""
    from torch import nn

    from benchcli.backends.dataflow import observe

    layers = {*_transposed(), nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear}
    norms = {nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm}
    flow = observe(network, inputs, layers | norms)
    by_layer, writers = flow.calls_of(layers), {call.written: call.layer for call in flow.calls}
    pairs = []
    for norm, after in flow.calls_of(norms).items():
        layer = writers.get(after[0].read)
        before = by_layer.get(layer, []) if layer else []
        if layer and _can_fold(flow, before, after):
            pairs.append((layer, norm))
    return pairs


def _can_fold(flow: "Dataflow", before: "Sequence[LayerCall]", after: "Sequence[LayerCall]") -> bool:
    """Return whether each output of a layer goes to a normalisation by fixed numbers, and nowhere else."""
    layer: Any = before[0].layer
    norm: Any = after[0].layer
    by_output = {call.written: call for call in before}
    reads = [by_output.get(call.read) for call in after]
    return (
        not norm.training
        and norm.running_mean is not None
        and layer.weight.is_floating_point()
        and len(before) == len(after) == len(set(reads) - {None})
        and all(one and _alone(flow, one, other) for one, other in zip(reads, after, strict=True))
        and flow.used_only_by([*before, *after], [*layer.parameters(), *norm.parameters(), *norm.buffers()])
    )


def _alone(flow: "Dataflow", layer: "LayerCall", norm: "LayerCall") -> bool:
    """Return whether only this normalisation reads what a layer wrote, and normalises the layer's own channels."""
    from torch import nn

    written = layer.written
    if written is None or (isinstance(layer.layer, nn.Linear) and len(written.shape) != 2):
        return False
    return flow.is_free(written, layer.operators.stop, but=norm.operators)


def _transposed() -> "set[type[torch.nn.Module]]":
    from torch import nn

    return {nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d}


def fold_into(layer: Any, norm: Any) -> None:
    """Give a convolution or linear layer the weights with which it also does what a batch normalisation does."""
    import torch

    wide = {name: _wide(each) for name, each in [*norm.named_parameters(), *norm.named_buffers()]}
    scale = torch.rsqrt(wide["running_var"] + norm.eps) * wide.get("weight", 1.0)
    shift = wide.get("bias", 0.0) - wide["running_mean"] * scale
    weight = _wide(layer.weight) * _by_output(layer, scale)
    bias = shift if layer.bias is None else _wide(layer.bias) * scale + shift
    like = layer.weight
    for name, value in {"weight": weight, "bias": bias}.items():
        setattr(layer, name, torch.nn.Parameter(value.to(like.device, like.dtype), requires_grad=False))


def _by_output(layer: Any, scale: "torch.Tensor") -> "torch.Tensor":
    """Return a factor for each output channel in a shape that multiplies the layer's weight.

    A transposed convolution's weight has the input channels first, and the output channels of a group
    second.
    """
    import torch

    weight = layer.weight
    rest = (1,) * (weight.dim() - 2)
    if type(layer) not in _transposed():
        return scale.reshape(-1, 1, *rest)
    per_group = scale.reshape(layer.groups, -1)
    return torch.repeat_interleave(per_group, weight.shape[0] // layer.groups, 0).reshape(*weight.shape[:2], *rest)


def _wide(tensor: "torch.Tensor") -> "torch.Tensor":
    """Return a tensor in float64, on the CPU: not all devices have that dtype."""
    import torch

    return tensor.detach().to("cpu", torch.float64)


TRANSFORMS.add(Fold())
