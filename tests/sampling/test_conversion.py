"""Networks and inputs in a dtype and a layout."""

import pytest
import torch
from torch import nn

from benchcli.cost.inputs import Inputs
from benchcli.guards.code_versions import SourceError
from benchcli.sampling.conversion import complex_dtypes, float32_call, in_dtype, in_float32, in_layout, weight_dtypes
from tests.networks.as_written import Mixed, Modulated, Rotary

IMAGE, VOLUME = torch.randn(2, 4, 6, 6), torch.randn(2, 2, 6, 6, 6)


def has_channels_last(tensor: torch.Tensor) -> bool:
    formats = {4: torch.channels_last, 5: torch.channels_last_3d}
    return tensor.is_contiguous(memory_format=formats[tensor.dim()]) and not tensor.is_contiguous()


def test_only_real_floating_tensors_take_a_dtype() -> None:
    given = Inputs((torch.ones(2), torch.ones(2, dtype=torch.complex64)), {"ids": torch.ones(2, dtype=torch.int64)})
    network, inputs = in_dtype(Rotary(), given, torch.bfloat16)
    assert [each.dtype for each in network.parameters()] == [torch.bfloat16]
    assert torch.equal(network.turns, Rotary().turns)  # type: ignore[arg-type]
    assert [each.dtype for each in inputs.tensors()] == [torch.bfloat16, torch.complex64, torch.int64]
    assert complex_dtypes(network, Inputs(())) == complex_dtypes(nn.Identity(), inputs) == ["complex64"]


def test_an_image_has_its_channels_last_and_a_weight_of_five_dimensions_has_none() -> None:
    network, inputs = in_layout(Modulated(), Inputs((IMAGE,)), "nhwc")
    weights = dict(network.named_parameters())
    assert has_channels_last(inputs.args[0])
    assert torch.equal(inputs.args[0], IMAGE)
    assert weights["weight"].is_contiguous()
    assert weights["point.weight"].is_contiguous(memory_format=torch.channels_last)


def test_a_volume_has_its_channels_last_and_so_have_its_weights() -> None:
    both = nn.Sequential(nn.Conv3d(2, 4, 3), nn.Conv2d(4, 2, 3))
    network, inputs = in_layout(both, Inputs((VOLUME,), {"mask": torch.ones(6, 6)}), "nhwc")
    weights = dict(network.named_parameters())
    assert all(map(has_channels_last, (inputs.args[0], weights["0.weight"], weights["1.weight"])))
    assert inputs.kwargs["mask"].is_contiguous()


def test_the_usual_layout_is_contiguous() -> None:
    images, volumes = IMAGE.contiguous(memory_format=torch.channels_last), VOLUME.transpose(1, 2)
    channels_last = in_layout(nn.Conv2d(4, 2, 3), Inputs((images,)), "nhwc")[0]
    network, inputs = in_layout(channels_last, Inputs((images,)), "nchw")
    assert next(network.parameters()).is_contiguous()
    assert inputs.args[0].is_contiguous()
    assert in_layout(nn.Identity(), Inputs((volumes,)), "nchw")[1].args[0].is_contiguous()


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_weights_that_are_all_of_one_other_dtype_need_its_name(dtype: torch.dtype) -> None:
    name = str(dtype).removeprefix("torch.")
    with pytest.raises(SourceError, match=f"its weights are {name}: give --dtype {name}"):
        in_float32(nn.Linear(4, 4).to(dtype), "float32")
    assert weight_dtypes(in_float32(nn.Linear(4, 4).to(dtype), name)) == ["float32"]


def test_weights_of_a_dtype_that_no_option_names() -> None:
    network = nn.Linear(4, 4)._apply(lambda tensor: tensor.to(torch.float8_e4m3fn))  # type: ignore[no-untyped-call]
    with pytest.raises(SourceError, match="its weights are float8_e4m3fn: make it in float32"):
        in_float32(network, "float32")


@pytest.mark.parametrize("body", [torch.float64, torch.float16, torch.bfloat16])
def test_mixed_precision_is_compared_with_the_same_network_in_float32(body: torch.dtype) -> None:
    network, image = in_float32(Mixed(body), "float32"), torch.randn(3, 16)
    assert len(weight_dtypes(network)) == 2
    whole = nn.Sequential(network.body, network.head)  # type: ignore[arg-type]
    expected = whole.float()(image)
    network.body.to(body)
    assert torch.equal(float32_call(network, Inputs((image,)))(), expected)
    assert network.body.weight.dtype == body  # type: ignore[union-attr]
    assert in_dtype(network, Inputs((image,)), torch.float32)[0] is network
    assert network.body.weight.dtype == body  # type: ignore[union-attr]
    assert weight_dtypes(in_float32(network, "bfloat16")) == ["float32"]


class Unsupported(Mixed):
    """Asks for its own dtype."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if self.body.weight.dtype == torch.float32:
            raise RuntimeError("no kernel for float32")
        return x


def test_a_float32_copy_that_cannot_be_called_is_named() -> None:
    with pytest.raises(SourceError, match=r"its copy in float32, .*, cannot be called \(no kernel for float32\)"):
        float32_call(Unsupported(torch.bfloat16), Inputs((torch.ones(1),)))()
