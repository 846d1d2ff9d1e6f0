"""Quantisation after training: what the options `int8` of the runtimes share."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch

CALIBRATIONS = 32
"""The number of inputs from which a runtime learns the ranges of activations."""
OPTION = {"int8": "whole numbers of 8 bits, quantised after training on random inputs"}


def refuse_other_dtypes(given: Sequence["torch.Tensor"], network: "torch.nn.Module") -> None:
    """Raise NotImplementedError unless a network's parameters and inputs are of float32, where they are floating."""
    import torch

    floating = {each.dtype for each in (*network.parameters(), *given) if each.is_floating_point()}
    if floating - {torch.float32}:
        names = ", ".join(sorted(str(each).removeprefix("torch.") for each in floating))
        raise NotImplementedError(f"int8 quantises networks of float32, and this one is of {names}")


def calibration(given: Sequence["torch.Tensor"]) -> Iterator[tuple["torch.Tensor", ...]]:
    """Yield the inputs of a call, and random ones like them.

    Floating ones are drawn from a normal distribution of the same mean and deviation. Whole numbers stay as they
    are: they may be indices of rows.
    """
    yield tuple(given)
    yield from inputs_like(given, CALIBRATIONS - 1, seed=0)


def inputs_like(given: Sequence["torch.Tensor"], count: int, seed: int) -> Iterator[tuple["torch.Tensor", ...]]:
    """Yield so many random inputs like those of a call, as `calibration` does."""
    import torch

    generator = torch.Generator().manual_seed(seed)
    for _ in range(count):
        yield tuple(_like(each, generator) if each.is_floating_point() else each for each in given)


def _like(tensor: "torch.Tensor", generator: "torch.Generator") -> "torch.Tensor":
    import torch

    deviation = float(tensor.std()) if tensor.numel() > 1 else 0.0
    return torch.randn(tensor.shape, generator=generator) * deviation + float(tensor.mean())


def quantise_onnx(model: Path, given: Sequence["torch.Tensor"], alive: Callable[[], object]) -> None:
    """Replace an ONNX file by its quantised form: whole numbers with a scale for each channel of weights (QDQ).

    Raises NotImplementedError if there is nothing to quantise.
    """
    import onnx
    from onnxruntime import quantization
    from onnxruntime.quantization.shape_inference import quant_pre_process

    names = [each.name for each in onnx.load(model, load_external_data=False).graph.input]
    calls = ({name: each.cpu().numpy() for name, each in zip(names, call, strict=True)} for call in calibration(given))

    class Reader(quantization.CalibrationDataReader):  # type: ignore[misc]
        def get_next(self) -> Any:
            alive()
            return next(calls, None)

    prepared, quantised = model.with_name("prepared.onnx"), model.with_name("quantised.onnx")
    quant_pre_process(model, prepared, skip_symbolic_shape=True)
    quantization.quantize_static(
        prepared,
        quantised,
        Reader(),
        per_channel=True,
        activation_type=quantization.QuantType.QUInt8,
        weight_type=quantization.QuantType.QInt8,
    )
    prepared.unlink()
    if all(each.op_type != "QuantizeLinear" for each in onnx.load(quantised).graph.node):
        raise NotImplementedError("it has no operator that ONNX Runtime quantises")
    quantised.replace(model)
