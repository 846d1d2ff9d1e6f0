"""Networks as people write them: complex, lazy, random, masked, mixed, of volumes, and objects instead of functions."""

import warnings
from typing import Any

import torch
from torch import nn


class Rotary(nn.Module):
    """Rotary positions in a complex buffer: 1,024 bytes of weights and 448 of turns for inputs of 2x7x16."""

    turns: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(16, 16, bias=False)
        angle = torch.outer(torch.arange(7.0), 1 / 10000 ** (torch.arange(0, 16, 2) / 16))
        self.register_buffer("turns", torch.polar(torch.ones_like(angle), angle))

    def forward(self, x: torch.Tensor) -> Any:
        pairs = torch.view_as_complex(self.query(x).reshape(*x.shape[:-1], -1, 2))
        return torch.view_as_real(pairs * self.turns).flatten(-2)


class Spectrum(nn.Module):
    """A complex weight on the spectrum of its input, and complex outputs. Input 4x8: 5 * 8 + 8 * 4 bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.filter = nn.Parameter(torch.randn(5, dtype=torch.complex64))
        self.scale = nn.Parameter(torch.ones(8))

    def forward(self, x: torch.Tensor) -> Any:
        return torch.fft.rfft((x * self.scale).float()) * self.filter


class ComplexLinear(nn.Module):
    """Takes complex inputs of 2x4: 4 * 3 * 8 bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(4, 3, dtype=torch.complex64))

    def forward(self, x: torch.Tensor) -> Any:
        return x @ self.weight


class Sampler(nn.Module):
    """Draws noise in each call: 512 multiply-adds for inputs of 2x16."""

    def __init__(self) -> None:
        super().__init__()
        self.mean, self.spread = nn.Linear(16, 8, bias=False), nn.Linear(16, 8, bias=False)

    def forward(self, x: torch.Tensor) -> Any:
        return self.mean(x) + torch.randn(x.shape[0], 8) * self.spread(x)


class Dropping(nn.Linear):
    """Forgets that dropout is for training."""

    def forward(self, x: torch.Tensor) -> Any:
        return nn.functional.dropout(super().forward(x))


class Shuffling(nn.Linear):
    """Returns its rows in a random order."""

    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x)[torch.randperm(len(x))]


class NotANumber(nn.Linear):
    """Random, and wrong: one value is NaN."""

    def forward(self, x: torch.Tensor) -> Any:
        y = super().forward(x) + torch.rand(())
        y[0, 0] = float("nan")
        return y


class Masked(nn.Module):
    """Masks outputs: "minus" and "plus" with infinities, "nan" with NaN, "all" all of them."""

    def __init__(self, kind: str) -> None:
        super().__init__()
        self.kind, self.out = kind, nn.Linear(16, 8)

    def forward(self, x: torch.Tensor) -> Any:
        y = self.out(x)
        signs = {"minus": float("-inf"), "plus": float("inf"), "nan": float("nan"), "all": float("inf")}
        y[..., : 8 if self.kind == "all" else 3] = signs[self.kind]
        return y


class Causal(nn.Linear):
    """Returns its scores and a mask of minus infinity above the diagonal."""

    def forward(self, x: torch.Tensor) -> Any:
        scores = super().forward(x)
        return scores, torch.full((len(x), len(x)), float("-inf")).triu(1)


class Modulated(nn.Module):
    """A weight of five dimensions in a network of images. Input 1x4x16x16."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(1, 8, 4, 3, 3) / 6)
        self.point = nn.Conv2d(8, 8, 1)

    def forward(self, x: torch.Tensor) -> Any:
        return self.point(nn.functional.conv2d(x, self.weight[0], padding=1))


class Mixed(nn.Module):
    """A body in `body`, a head in float32, with casts between them."""

    def __init__(self, body: torch.dtype) -> None:
        super().__init__()
        self.body, self.head = nn.Linear(16, 16).to(body), nn.Linear(16, 4)
        self.dtype = body

    def forward(self, x: torch.Tensor) -> Any:
        return self.head(self.body(x.to(self.dtype)).float())


class Automatic(Mixed):
    """Casts by torch.autocast, its body in bfloat16."""

    def forward(self, x: torch.Tensor) -> Any:
        with torch.autocast("cpu", dtype=torch.bfloat16):
            return self.head(self.body(x))


class Counting(nn.Linear):
    """Adds how often it was called: its object must stay as it was imported."""

    def __init__(self) -> None:
        super().__init__(8, 8)
        self.calls = 0

    def forward(self, x: torch.Tensor) -> Any:
        self.calls += 1
        return super().forward(x) if self.calls < 20 else super().forward(x) / 0


class Uncopied(nn.Linear):
    """Refuses to be copied."""

    def __deepcopy__(self, memo: object) -> None:
        raise TypeError("it holds a lock")


def rotary() -> nn.Module:
    return Rotary()


def spectrum() -> nn.Module:
    return Spectrum()


def complex_linear() -> nn.Module:
    return ComplexLinear()


def sampler() -> nn.Module:
    return Sampler()


def dropping() -> nn.Module:
    return Dropping(8, 8)


def shuffling() -> nn.Module:
    return Shuffling(8, 8)


def not_a_number() -> nn.Module:
    return NotANumber(8, 8)


def masked(kind: str = "minus") -> nn.Module:
    return Masked(kind)


def masked_plus() -> nn.Module:
    return Masked("plus")


def masked_nan() -> nn.Module:
    return Masked("nan")


def masked_all() -> nn.Module:
    return Masked("all")


def causal() -> nn.Module:
    return Causal(16, 8)


def modulated() -> nn.Module:
    return Modulated()


def volumes() -> nn.Module:
    return nn.Sequential(nn.Conv3d(2, 4, 3), nn.BatchNorm3d(4), nn.Conv3d(4, 2, 1))


def lazy() -> nn.Module:
    return nn.Sequential(nn.LazyConv2d(8, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(10))


def doubled() -> nn.Module:
    return nn.Linear(16, 16).double()


def halved() -> nn.Module:
    return nn.Linear(16, 16).half()


def mixed(body: str = "bfloat16") -> nn.Module:
    return Mixed(getattr(torch, body))


def mixed_half() -> nn.Module:
    return Mixed(torch.float16)


def mixed_double() -> nn.Module:
    return Mixed(torch.float64)


def automatic() -> nn.Module:
    return Automatic(torch.bfloat16)


def uncast() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16).bfloat16())


def meta() -> nn.Module:
    return nn.Linear(16, 16, device="meta")


def fake() -> nn.Module:
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        return nn.Linear(16, 16)


def half_meta() -> nn.Module:
    return nn.Sequential(nn.Linear(16, 16), nn.Linear(16, 16, device="meta"))


def denormal(weight: float = 1e-13) -> nn.Module:
    layers = nn.Sequential(*[nn.Linear(64, 64, bias=False) for _ in range(4)])
    for each in layers:
        nn.init.constant_(each.weight, weight)  # type: ignore[arg-type]
    return layers


class Decaying(nn.Module):
    """A state that fades into denormal numbers."""

    def forward(self, x: torch.Tensor) -> Any:
        for _ in range(60):
            x = x * 0.2
        return x


def decaying() -> nn.Module:
    return Decaying()


def script(network: nn.Module) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return torch.jit.script(network)


counting = Counting()
network: Any = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())
scripted = script(nn.Linear(8, 8))
uncopied = Uncopied(8, 8)
