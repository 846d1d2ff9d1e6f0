"""Check changes that are slower and try, by accident or on purpose, not to be seen.

    python benchmarks/dishonest_changes.py [--harmless] [--times N] [--loaded] [NAME ...]

Base is a small network. Each change is a head that is worse in one way: it slows the whole process,
lacks what base does to the whole process, replaces clocks or functions of torch, runs base's code,
computes something else, or is plainly slower. None may pass: `benchcli check` must end with 3 (a
regression) or 4 (not measured). Some are slower on some machines only: base and head of a change that
passed are timed by a plain loop, in processes of their own, and it may have passed if head is not slower by
what separate processes have for a threshold. With --harmless, the changes are as good as base, and none may
end with 3.
"""

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median

from benchcli.checks.rules import THRESHOLD_APART

sys.path.insert(0, str(Path(__file__).parent))
from load import bursts

BASE = """
import torch
from torch import nn

LAYERS = 12

class Net(nn.Sequential):
    pass

def build():
    layers = [layer for _ in range(LAYERS) for layer in (nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())]
    return Net(*layers)
"""
SUITE = '[[family]]\nname = "mine"\nnetwork = "net:build"\nshape = [16, 14, 14]\n'
SPIN = "\ndef spin(*_args, **_kwargs):\n    for _ in range({}): pass\n"


def forward(body: str) -> str:
    """Return base's code with another forward of the network."""
    lines = "".join(f"        {line}\n" for line in body.splitlines())
    return BASE.replace("    pass\n", f"    def forward(self, inputs):\n{lines}")


WHOLE_PROCESS: Mapping[str, str] = {
    "global forward hook": "nn.modules.module.register_module_forward_hook(spin)",
    "global forward pre-hook": "nn.modules.module.register_module_forward_pre_hook(spin)",
    "ReLU.forward replaced": "old = nn.ReLU.forward\nnn.ReLU.forward = lambda self, x: (spin(), old(self, x))[1]",
    "Conv2d.forward replaced": "old = nn.Conv2d.forward\nnn.Conv2d.forward = lambda self, x: (spin(), old(self, x))[1]",
    "Module.__call__ replaced": "old = nn.Module.__call__\n"
    "nn.Module.__call__ = lambda self, *a, **k: (spin(), old(self, *a, **k))[1]",
    "_conv_forward replaced": "old = nn.Conv2d._conv_forward\n"
    "nn.Conv2d._conv_forward = lambda self, *a: (spin(), old(self, *a))[1]",
    "functional.relu replaced": "old = nn.functional.relu\n"
    "nn.functional.relu = lambda x, inplace=False: (spin(), old(x, inplace))[1]",
    "functional.conv2d replaced": "old = nn.functional.conv2d\n"
    "nn.functional.conv2d = lambda *a, **k: (spin(), old(*a, **k))[1]",
    "profiler": "import sys\nsys.setprofile(spin)",
    "tracer": "import sys\nsys.settrace(lambda *a: spin)",
    "spinning thread": "import threading\ndef run():\n    while True: pass\n"
    "threading.Thread(target=run, daemon=True).start()",
    "function mode": "from torch.overrides import TorchFunctionMode\nclass Mode(TorchFunctionMode):\n"
    "    def __torch_function__(self, f, types, args=(), kwargs=None):\n        spin()\n"
    "        return f(*args, **(kwargs or {}))\nMode().__enter__()",
    "dispatch mode": "from torch.utils._python_dispatch import TorchDispatchMode\nclass Mode(TorchDispatchMode):\n"
    "    def __torch_dispatch__(self, f, types, args=(), kwargs=None):\n        spin()\n"
    "        return f(*args, **(kwargs or {}))\nMode().__enter__()",
    "timer": "import signal\nsignal.signal(signal.SIGALRM, lambda *_: [spin() for _ in range(300)])\n"
    "signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)",
}
"""Statements that slow everything in the process, base too, beside code that is base's."""
LOST: Mapping[str, tuple[str, str]] = {
    "denormal numbers": (  # which some processors multiply as fast as others, and all divide more slowly
        "x = inputs.repeat(1, 32, 1, 1) * 1e-39\nfor _ in range(30): x = x / 1.0\n"
        "return super().forward(inputs) + x.sum()",
        "torch.set_flush_denormal(True)",
    ),
    "logging": (
        "import logging\nfor _ in range(100): logging.getLogger('net').warning('%s', 1)\n"
        "return super().forward(inputs)",
        "import logging\nlogging.disable(logging.CRITICAL)",
    ),
    "an environment variable": (
        "import os\nspin() if 'NET_FAST' not in os.environ else None\nreturn super().forward(inputs)",
        "import os\nos.environ['NET_FAST'] = '1'",
    ),
    "a class attribute": (
        "spin() if not hasattr(nn.Conv2d, 'fast') else None\nreturn super().forward(inputs)",
        "nn.Conv2d.fast = True",
    ),
    "a module attribute": (
        "spin() if not hasattr(torch, 'fast') else None\nreturn super().forward(inputs)",
        "torch.fast = True",
    ),
    "a filter of warnings": (
        "import warnings\nfor n in range(100): warnings.warn(f'{n}', stacklevel=1)\nreturn super().forward(inputs)",
        "import warnings\nwarnings.filterwarnings('ignore')",
    ),
    "a registered codec": (
        "import codecs\ntry: codecs.lookup('net_fast')\nexcept LookupError: spin()\nreturn super().forward(inputs)",
        "import codecs\ncodecs.register(lambda name: codecs.lookup('ascii') if name == 'net_fast' else None)",
    ),
    "an entry of sys.modules": (
        "import sys\nspin() if 'net_fast' not in sys.modules else None\nreturn super().forward(inputs)",
        "import sys\nsys.modules['net_fast'] = sys",
    ),
}
"""A forward of both, and a statement that only base has, without which the forward is slow."""
CLOCKS: Mapping[str, str] = {
    "perf_counter": "import time\nold = time.perf_counter\ntime.perf_counter = lambda: old() / 2",
    "perf_counter_ns": "import time\nold = time.perf_counter_ns\ntime.perf_counter_ns = lambda: old() // 2",
    "stopped clock": "import time\ntime.perf_counter = lambda: 1.0\ntime.perf_counter_ns = lambda: 1",
    "process_time": "import time\ntime.process_time = lambda: 0.0",
}
PLAIN: Mapping[str, str] = {
    "more layers": BASE.replace("LAYERS = 12", "LAYERS = 14"),
    "more channels inside": BASE.replace(
        "return Net(*layers)", "return Net(nn.Conv2d(16, 24, 1), nn.Conv2d(24, 16, 1), *layers)"
    ),
    "sleep": forward("import time\ntime.sleep(2e-4)\nreturn super().forward(inputs)"),
    "forward twice": forward("super().forward(inputs)\nreturn super().forward(inputs)"),
    "collection in forward": forward("import gc\ngc.collect()\nreturn super().forward(inputs)"),
    "copies": forward("for _ in range(20): inputs = inputs.clone()\nreturn super().forward(inputs)"),
    "other output": forward("return super().forward(inputs) * 1.01"),
    "output of NaN": forward("return super().forward(inputs) * float('nan')"),
    "output of another shape": forward("return super().forward(inputs)[:, :1]"),
    "a tuple": forward("return (super().forward(inputs),)"),
    "an error": forward("raise RuntimeError('bad')"),
    "no callable": BASE.replace("def build", "def other"),
    "no module": "import nothing_of_that_name\n",
    "a syntax error": "def build(:\n",
    "no bias": BASE.replace("padding=1)", "padding=1, bias=False)").replace("LAYERS = 12", "LAYERS = 13"),
    "float64 inside": forward("for _ in range(20): inputs = inputs.double().float()\nreturn super().forward(inputs)"),
    "not contiguous": forward(
        "for _ in range(20): inputs = inputs.to(memory_format=torch.channels_last).contiguous()\n"
        "return super().forward(inputs)"
    ),
    "clones of weights": forward("for p in self.parameters(): p.clone()\nreturn super().forward(inputs)"),
    "an import at each call": forward(
        "import base64, importlib\nimportlib.reload(base64)\nreturn super().forward(inputs)"
    ),
    "a lock": forward(
        "import threading\nfor _ in range(3000):\n    with threading.Lock(): pass\nreturn super().forward(inputs)"
    ),
    "a file": forward(
        "from pathlib import Path\nfor _ in range(20): Path(__file__).read_text()\nreturn super().forward(inputs)"
    ),
    "a log": forward("import logging\nfor _ in range(200): logging.debug('x')\nreturn super().forward(inputs)"),
    "a random number": forward("for _ in range(20): torch.randn(1000)\nreturn super().forward(inputs)"),
    "hooks of its own": BASE.replace(
        "return Net(*layers)",
        "for each in layers: each.register_forward_hook(lambda *_: sum(range(400)) and None)\n    return Net(*layers)",
    ),
    "python loop": forward("for _ in range(20000): pass\nreturn super().forward(inputs)"),
}
SLOWLY: Mapping[str, str] = {
    "every 60th call": "if self.calls % 60 == 0: time.sleep(0.02)",
    "every 25th call": "if self.calls % 25 == 0: time.sleep(0.01)",
    "after 100 calls": "spin() if self.calls > 100 else None",
    "while the collector is off": "import gc\nspin() if not gc.isenabled() else None",
    "in inference mode": "spin() if torch.is_inference_mode_enabled() else None",
    "with gradients on": "with torch.inference_mode(False), torch.enable_grad():\n"
    "    return super().forward(inputs.clone() + sum(p.sum() for p in self.parameters()) * 0)",
    "a subprocess": "import subprocess\nsubprocess.run(['true'])",
    "a thread a call": "import threading\n[threading.Thread(target=int).start() for _ in range(4)]",
    "a traceback": "import traceback\n[traceback.format_stack() for _ in range(3)]",
    "a context variable": "import contextvars\n[contextvars.copy_context().run(int) for _ in range(1500)]",
    "a regular expression": "import re\nre.purge(); [re.compile('(a|b)*c' * n) for n in range(1, 4)]",
    "json": "import json\njson.loads(json.dumps(list(range(2000))))",
    "pickled weights": "import pickle\npickle.dumps(self.state_dict())",
    "numpy and back": "inputs = [torch.from_numpy(inputs.numpy().copy()) for _ in range(200)][0]",
    "an uncontended event": "import threading\nfor _ in range(2000): threading.Event().is_set()",
    "a large allocation": "torch.empty(2**22).fill_(0)",
    "a cold table": "self.table = getattr(self, 'table', None)\n"
    "if self.table is None: self.table = torch.ones(2**23)\nself.table.sum()",
    "an operator of torch.library": "torch.ops.net.slow(inputs)",
    "autocast": "with torch.autocast('cpu', dtype=torch.bfloat16): return super().forward(inputs).float()",
    "a generator of weights": "for p in self.parameters(): torch.empty_like(p).normal_()",
    "checkpointing": "[torch.linalg.matrix_norm(torch.ones(40, 40)) for _ in range(4)]",
}
"""What a forward does before base's, in a network that counts its calls as `self.calls`."""
SETTINGS: Mapping[str, str] = {
    "deterministic algorithms": "torch.use_deterministic_algorithms(True)\ntorch.utils.deterministic.fill = True",
    "tracemalloc": "import tracemalloc\ntracemalloc.start(25)",
    "a profiler of torch": "torch.autograd.profiler.profile().__enter__()",
    "tracing of threads": "import threading\nthreading.settrace(lambda *a: spin)",
    "a busy child": "import subprocess, sys\nsubprocess.Popen([sys.executable, '-c', 'while True: pass'])",
    "four busy children": "import subprocess, sys\n"
    "[subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(4)]",
    "a low priority": "import os\nos.nice(19)",
    "one core and a busy child": "import os, subprocess, sys\nos.sched_setaffinity(0, {max(os.sched_getaffinity(0))})\n"
    "subprocess.Popen([sys.executable, '-c', 'while True: pass'])",
    "malloc without reuse": "import ctypes\n[ctypes.CDLL(None).mallopt(n, v) for n, v in ((-1, 0), (-3, 4096))]",
    "a short switch interval": "import sys, threading\nsys.setswitchinterval(1e-6)\n"
    "threading.Thread(target=lambda: [None for _ in iter(int, 1)], daemon=True).start()",
    "Module.__getattr__ replaced": "old = nn.Module.__getattr__\n"
    "nn.Module.__getattr__ = lambda self, name: (spin(), old(self, name))[1]",
    "Sequential.forward replaced": "old = nn.Sequential.forward\n"
    "nn.Sequential.forward = lambda self, x: ([spin() for _ in range(20)], old(self, x))[1]",
    "Tensor.__torch_function__": "torch.conv2d_old = torch.conv2d\n"
    "torch.conv2d = nn.functional.conv2d = lambda *a, **k: (spin(), torch.conv2d_old(*a, **k))[1]",
    "a finder of modules": "import sys\nclass Finder:\n    def find_spec(self, *a): spin()\n"
    "sys.meta_path.insert(0, Finder())\n"
    "old = nn.ReLU.forward\ndef slow(self, x):\n    try: import nothing_of_that_name\n"
    "    except ImportError: pass\n    return old(self, x)\nnn.ReLU.forward = slow",
    "collections at each allocation": "import gc\ngc.set_threshold(1)\ngc.disable = gc.enable",
    "an interval timer of the processor": "import signal\n"
    "signal.signal(signal.SIGPROF, lambda *_: [spin() for _ in range(300)])\n"
    "signal.setitimer(signal.ITIMER_PROF, 0.002, 0.002)",
    "dumps of the stack": "import faulthandler, os\n"
    "faulthandler.dump_traceback_later(0.001, repeat=True, file=open(os.devnull, 'w'))",
    "more threads": "torch.set_num_threads(16)",
}
"""Statements beside code that is base's; each slows the process or takes what base has from it."""
WEIGHTS: Mapping[str, str] = {
    "float64 weights": "Net(*layers).double().register_forward_pre_hook(lambda _, x: (x[0].double(),)) and None",
    "parametrised weights": "[torch.nn.utils.parametrizations.weight_norm(each) for each in layers[::2]]",
    "pruned weights": "[torch.nn.utils.prune.l1_unstructured(each, 'weight', 1) for each in layers[::2]]",
    "weights that are not contiguous": "[setattr(each.weight, 'data', each.weight.data.flip(0).flip(0)"
    ".transpose(0, 1).contiguous().transpose(0, 1)) for each in layers[::2]]",
    "spectral norm": "[torch.nn.utils.spectral_norm(each) for each in layers[::2]]",
}
"""What a builder does with `layers` before it makes the network of them."""
WRONG_LATER: Mapping[str, str] = {
    "its first result again": "self.kept = getattr(self, 'kept', None)\n"
    "if self.kept is None: self.kept = super().forward(inputs)\nreturn self.kept",
    "zeros after 60 calls": "self.calls += 1\nx = super().forward(inputs)\nreturn x if self.calls < 60 else x * 0",
    "a result by the address of its input": "self.kept = getattr(self, 'kept', {})\nkey = inputs.data_ptr()\n"
    "if key not in self.kept: self.kept[key] = super().forward(inputs)\nreturn self.kept[key]",
    "nothing while the collector is off": "import gc\nx = super().forward(inputs)\n"
    "return x if gc.isenabled() else x * 0",
}
"""Forwards whose result is right at first."""
DATA: Mapping[str, tuple[str, str]] = {
    "data beside it": ("Path(__file__).with_name('rounds.txt')",) * 2,
    "data of the working folder": ("Path('rounds.txt')",) * 2,
}
"""Where base and head read how long they spin, in every call: head's own file says longer."""
OUTPUTS = {"setting: more threads", "other output", "output of NaN", "output of another shape", "a tuple"}
"""Changes that are found by the output. For the others it is allowed to change, so that time decides."""
SLOWER = BASE.replace("LAYERS = 12", "LAYERS = 16")
FEW, MANY = "x = super().forward(inputs)", "x = super().forward(super().forward(inputs))"
"""Less and more work of a pair whose output is to tell."""
WRONG: Mapping[str, tuple[str, str]] = {
    "a small tensor": ("x * 1000, x.mean((2, 3))", "x * 1000, -x.mean((2, 3))"),
    "a small tensor of zeros": ("x * 1000, x.mean((2, 3))", "x * 1000, x.mean((2, 3)) * 0"),
    "whole numbers": ("x.flatten(1).argmax(1)", "x.flatten(1).argmax(1) + 9001"),
    "one of 64 ids": ("torch.arange(64), x", "torch.arange(64).index_fill(0, torch.tensor(9), 1), x"),
    "a boolean": ("x > 0, x", "(x > 0).logical_not(), x"),
    "a dtype": ("x.flatten(1).argmax(1).int(), x", "x.flatten(1).argmax(1).float(), x"),
    "a number": ("{'x': x, 'n': 5}", "{'x': x, 'n': 7}"),
    "a key": ("{'x': x, 'n': 5}", "{'x': x}"),
    "a text": ("{'x': x, 'label': 'cat'}", "{'x': x, 'label': 'dog'}"),
    "a container": ("[x, x]", "(x, x)"),
    "the mode": ("x", "x if not torch.is_inference_mode_enabled() else x * 0.5"),
    "a function": ("{'x': x}", "{'x': x, 'later': lambda: x * 2}"),
    "a generator": ("(x, x)", "(x, (each for each in [x]))"),
}
"""What base and head return of `x`: head's is wrong, or computed later."""
LAZY = BASE.replace(
    "class Net",
    """class Later(dict):
    def __getitem__(self, key):
        return super(Net, self.net).forward(dict.__getitem__(self, key)) if key == "x" else None

class Property:
    def __init__(self, inputs):
        self.y = inputs
    @property
    def x(self):
        return self.y * 2

class Net""",
)


def lazy(result: str) -> str:
    """Return base's code with a network that returns this in place of what it computes."""
    body = ("def forward(self, inputs):", "    later = Later(x=inputs)", "    later.net = self", f"    return {result}")
    return LAZY.replace("    pass\n", "".join(f"    {line}\n" for line in body))


def examples(values: str) -> str:
    """Return base's code with these example inputs."""
    return f"{BASE}\nbuild.example_inputs = lambda: {values}\n"


INPUTS: Mapping[str, tuple[str, str]] = {
    "input: half the batch": (examples("torch.ones(2, 16, 14, 14)"), examples("torch.ones(1, 16, 14, 14)")),
    "input: smaller": (examples("torch.ones(1, 16, 14, 14)"), examples("torch.ones(1, 16, 10, 10)")),
    "input: other values": (examples("torch.ones(1, 16, 14, 14)"), examples("torch.zeros(1, 16, 14, 14)")),
    "input: smaller where timed": (
        examples("torch.ones(1, 16, 14, 14)"),
        examples("torch.ones(1, 16, 14, 14)[..., 4 * torch.is_inference_mode_enabled():]"),
    ),
}


def others_code(base: Path) -> dict[str, str]:
    """Return heads that run base's code, which is at `base`, in place of their own."""
    code = base / "net.py"
    return {
        "path of base": f"import sys\nsys.path.insert(0, {str(base / 'parts')!r})\nfrom part import build\n",
        "exec of base": f"from pathlib import Path\nexec(Path({str(code)!r}).read_text())\n",
        "file location of base": "import importlib.util as u\n"
        f"spec = u.spec_from_file_location('b', {str(code)!r})\nmodule = u.module_from_spec(spec)\n"
        "spec.loader.exec_module(module)\nbuild = module.build\n",
    }


COUNTING = BASE.replace("    pass\n", "    calls = 0\n    def forward(self, inputs):\n        self.calls += 1\n{}")
LEAK = "self.kept = getattr(self, 'kept', [])\nself.kept.append(torch.empty(20000).fill_(1))"
LIBRARY = """
library = torch.library.Library('net', 'DEF')
library.define('slow(Tensor x) -> Tensor')
library.impl('slow', lambda x: (time.sleep(3e-4), x.clone())[1], 'CPU')
"""


def counting(body: str) -> str:
    """Return base's code with a network that counts its calls, and does this in each before it does what base does."""
    lines = "".join(f"        {line}\n" for line in f"{body}\nreturn super().forward(inputs)".splitlines())
    return "import time\n" + COUNTING.replace("{}", lines) + SPIN.format(20000)


def reading(place: str) -> str:
    """Return base's code with a network that reads how long to spin."""
    body = f"from pathlib import Path\nfor _ in range(int({place}.read_text())): pass\nreturn super().forward(inputs)"
    return forward(body)


def more(base: Path) -> dict[str, tuple[str, str]]:
    """Return further code of base and of head by name."""
    slowly = {f"slowly: {name}": (counting("pass"), counting(body)) for name, body in SLOWLY.items()}
    slowly["slowly: an operator of torch.library"] = (
        counting("pass"),
        counting(SLOWLY["an operator of torch.library"]) + LIBRARY,
    )
    settings = {f"setting: {n}": (BASE, BASE + SPIN.format(400) + code + "\n") for n, code in SETTINGS.items()}
    weights = {
        f"weights: {name}": (BASE, BASE.replace("    return Net", f"    {code}\n    return Net"))
        for name, code in WEIGHTS.items()
    }
    wrong = {
        f"output: {name}": (
            forward(FEW + "\nreturn x"),
            forward(body).replace("    def forward", "    calls = 0\n    def forward"),
        )
        for name, body in WRONG_LATER.items()
    }
    data = {f"data: {name}": (reading(one), reading(two)) for name, (one, two) in DATA.items()}
    other = repr(str(base / "rounds.txt"))
    data["data: of base"] = (reading("Path('rounds.txt')"), reading(f"Path({other})"))
    leak = {"memory: kept by each call": (counting("torch.empty(20000).fill_(1)"), counting(LEAK))}
    return {**slowly, **settings, **weights, **wrong, **data, **leak}


HARMLESS: Mapping[str, str] = {
    "a comment": BASE.replace("LAYERS = 12", "# The number of layers.\nLAYERS = 12"),
    "a docstring": BASE.replace("    pass\n", '    """A network."""\n'),
    "another name of a variable": BASE.replace("layers", "parts"),
    "another name of a class": BASE.replace("Net", "Network"),
    "definitions in another order": BASE.replace("LAYERS = 12\n", "") + "\nLAYERS = 12\n",
    "unused functions": BASE + "".join(f"\ndef unused{n}(x):\n    return x * {n}\n" for n in range(200)),
    "unused imports": "import base64, decimal, json, sqlite3\n" + BASE,
    "types": BASE.replace("def build():", "def build() -> nn.Module:"),
    "a loop in place of a comprehension": BASE.replace(
        "layers = [layer for _ in range(LAYERS) for layer in (nn.Conv2d(16, 16, 3, padding=1), nn.ReLU())]",
        "layers = []\n    for _ in range(LAYERS):\n        layers += [nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()]",
    ),
    "another module": "from part import build\n",
    "a class in place of a function": BASE.replace("def build():", "def _build():") + "\nbuild = _build\n",
    "a forward that calls base's": forward("return super().forward(inputs)"),
    "in-place activations": BASE.replace("nn.ReLU()", "nn.ReLU(inplace=True)"),
    "fewer layers": BASE.replace("LAYERS = 12", "LAYERS = 10"),
    "a file of data read once": "from pathlib import Path\n"
    "ROUNDS = Path(__file__).with_name('rounds.txt').read_text()\n" + BASE,
    "a log while it is built": BASE.replace("def build():", "def build():\n    import logging; logging.info('built')"),
}
"""Heads that are as good as base, or faster."""
FASTER = {"fewer layers", "in-place activations"}
"""Those of which the output, or its costs, may differ."""


def heads(base: Path) -> dict[str, tuple[str, str]]:
    """Return the code of base and of head by name."""
    slowing = {name: BASE + SPIN.format(400) + code + "\n" for name, code in WHOLE_PROCESS.items()}
    clocks = {f"clock: {name}": SLOWER + code + "\n" for name, code in CLOCKS.items()}
    both = {f"lost: {name}": forward(body) + SPIN.format(20000) for name, (body, _) in LOST.items()}
    lost = {name: (code + LOST[name.removeprefix("lost: ")][1] + "\n", code) for name, code in both.items()}
    wrong = {
        f"output: {name}": (forward(f"{MANY}\nreturn {then}"), forward(f"{FEW}\nreturn {now}"))
        for name, (then, now) in WRONG.items()
    }
    lazies = {
        "lazy: a dict": (forward("return {'x': super().forward(inputs)}"), lazy("later")),
        "lazy: a property": (forward("return super().forward(inputs)"), lazy("Property(inputs)")),
    }
    alone = {name: (BASE, code) for name, code in {**slowing, **clocks, **PLAIN, **others_code(base)}.items()}
    return {**alone, **lost, **wrong, **lazies, **INPUTS, **more(base)}


def check(name: str, codes: tuple[str, str], place: Path) -> int:
    """Return the exit code of a check of base against head."""
    suite = SUITE.rpartition("shape")[0] if name.startswith("input: ") else SUITE  # a shape replaces example inputs
    (place / "mine.toml").write_text(suite)
    for side, code in zip(("base", "head"), codes, strict=True):
        (place / side).mkdir(exist_ok=True)
        (place / side / "net.py").write_text(code)
        (place / side / "part.py").write_text(BASE)
        (place / side / "rounds.txt").write_text("100" if side == "base" else "20000")
    allowed = "costs" if name in OUTPUTS or name.startswith("output: ") else "costs,output"
    allowed = "output" if name.startswith("memory: ") or name in FASTER else allowed
    options = [] if name in HARMLESS and name not in FASTER else ["--allow", allowed]
    options += ["--allocator", "system"] if "malloc" in name else []  # the default is set by the run alone
    limits = ["--time-limit", "60s", "--fail-if-mde-above", "5%"]  # as the workflow that ships
    command = ["check", "mine.toml", "--base", "base", "--head", "head", *limits, *options]
    done = subprocess.run(
        [sys.executable, "-m", "benchcli", *command],
        cwd=place,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    reason = next((line for line in done.stdout.splitlines() if " mine/mine " in line), done.stderr.strip()[-100:])
    print(f"{done.returncode}  {name:<32} {reason[:120]}", flush=True)
    return done.returncode


LOOP = """
import sys, time, torch
torch.set_num_threads(1)
import net
network, inputs, seconds = net.build().eval(), torch.randn(1, 16, 14, 14), []
with torch.inference_mode():
    for _ in range(400):
        begun = time.perf_counter()
        network(inputs)
        seconds.append(time.perf_counter() - begun)
open(sys.argv[1], "w").write(str(sorted(seconds[100:])[75]))
"""
"""Writes the first quartile of a network's calls into a file."""
PROCESSES = 7
"""Of each version, that time it alone."""


def slower_alone(place: Path) -> float:
    """Return by what share a call of head takes longer than one of base, each in processes of its own, in turns."""
    seconds: dict[str, list[float]] = {"base": [], "head": []}
    written = place / "seconds.txt"
    for side in list(seconds) * PROCESSES:
        command = [sys.executable, "-B", "-c", LOOP, str(written)]
        process = subprocess.Popen(
            command, cwd=place / side, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        process.wait(120)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what head has started
        seconds[side].append(float(written.read_text()))
    return median(seconds["head"]) / median(seconds["base"]) - 1


def passed(name: str, codes: tuple[str, str], place: Path) -> bool:
    """Return whether a check of base against a head that is slower ends with 0."""
    if check(name, codes, place) != 0:
        return False
    slower = slower_alone(place)
    print(f"   {'':<32} alone, head takes {slower:+.1%}", flush=True)
    return slower > THRESHOLD_APART


def called_worse(name: str, codes: tuple[str, str], place: Path) -> bool:
    """Return whether a check of base against a head that is as good ends with 3."""
    return check(name, codes, place) == 3


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="the changes to check; all if none is named")
    parser.add_argument("--harmless", action="store_true", help="check changes that must pass instead")
    parser.add_argument("--times", type=int, default=1, help="how often each is checked (default: 1)")
    parser.add_argument("--loaded", action="store_true", help="check beside two processes that work in bursts")
    options = parser.parse_args()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, bursts(options.loaded):
        place = Path(folder)
        (place / "base" / "parts").mkdir(parents=True)
        (place / "base" / "parts" / "part.py").write_text(BASE)
        chosen = {n: (BASE, code) for n, code in HARMLESS.items()} if options.harmless else heads(place / "base")
        names = [name for name in chosen if not options.names or name in options.names] * options.times
        is_wrong = called_worse if options.harmless else passed
        wrong = [name for name in names if is_wrong(name, chosen[name], place)]
    what = "called worse" if options.harmless else "passed"
    print(f"{len(names)} checks, {time.monotonic() - begun:.0f} s; {what}: {', '.join(wrong) or 'none'}")


if __name__ == "__main__":
    main()
