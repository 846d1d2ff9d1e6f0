"""Attention's fast path: operators that run a whole module of torch's, by the names under which it calls them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch

WHOLE = ("_native_multi_head_attention", "_transformer_encoder_layer_fwd")


@contextmanager
def left() -> Iterator[None]:
    """Let modules run as they are written during the block, operator by operator."""
    mha = torch.backends.mha
    before = mha.get_fastpath_enabled()
    mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        mha.set_fastpath_enabled(before)


def is_taken(network: torch.nn.Module, call: Callable[[], object]) -> bool:
    """Return whether `call` runs a module of the network by such an operator."""
    if not any(
        isinstance(each, torch.nn.MultiheadAttention | torch.nn.TransformerEncoderLayer) for each in network.modules()
    ):
        return False
    taken: list[str] = []

    def noting(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(original)
        def run(*args: Any, **kwargs: Any) -> Any:
            taken.append(name)
            return original(*args, **kwargs)

        return run

    originals = {name: getattr(torch, name) for name in WHOLE}
    for name, original in originals.items():
        setattr(torch, name, noting(name, original))
    try:
        call()
    finally:
        for name, original in originals.items():
            setattr(torch, name, original)
    return bool(taken)
