"""Audit twenty networks of other libraries, and say which findings each has and what is not understood.

A traceback, or a network that is neither audited nor named with a reason, is an error. Needs the extra `zoo`
and pytorchcv, as `make zoo` installs them.

    python benchmarks/audit_zoo.py --budget 6
    python benchmarks/audit_zoo.py --device fake
"""

import argparse
import sys
import traceback
from collections import Counter
from pathlib import Path

import torch

import benchcli
from benchcli.errors import NothingMeasuredError, UserError

sys.path.insert(0, str(Path(__file__).parent))
from library_costs import of_pytorchcv
from library_models import MODELS, transformer

PYTORCHCV = (
    *(
        "resnet18",
        "preresnet18",
        "resnext14_32x4d",
        "seresnet10",
        "densenet121",
        "mobilenetv2_w1",
        "mobilenetv3_small_w1",
    ),
    *("squeezenet_v1_1", "shufflenetv2_wd2", "efficientnet_b0", "inceptionv3", "igcv3_w1"),
)
IMAGE = (1, 3, 224, 224)
TRANSFORMERS = ("bert", "albert", "deberta", "segformer", "detr", "vit", "convnext", "gpt2")


def main() -> None:
    """Print a line for each network; exit with 1 if one ended in a traceback."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=6.0, help="seconds for the rebuilt layers of each")
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    networks: dict[str, tuple[torch.nn.Module, list[str] | tuple[int, ...]]] = {
        f"pytorchcv:{name}": (of_pytorchcv(name), IMAGE) for name in PYTORCHCV
    }
    networks |= {f"transformers:{name}": (transformer(name), list(MODELS[name].inputs)) for name in TRANSFORMERS}
    bad = 0
    for name, (network, inputs) in networks.items():
        try:
            found = benchcli.audit(network, inputs=inputs, budget=options.budget, device=options.device)
        except (UserError, NothingMeasuredError) as error:
            print(f"{name:36} not audited: {error}", flush=True)
        except Exception:
            bad += 1
            traceback.print_exc()
        else:
            counts = Counter(each.audit for each in found.findings)
            gains = [each for each in found.findings if each.judgement == "gain"]
            unknown = sorted({call.operator for call in found.audited.calls if call.flops is None})
            rest = f"; not understood: {', '.join(unknown)}" if unknown else ""
            print(f"{name:36} {dict(sorted(counts.items()))}, {len(gains)} certain gains{rest}", flush=True)
    raise SystemExit(bool(bad))


if __name__ == "__main__":
    main()
