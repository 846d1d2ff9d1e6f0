"""Every setting of the commands and of the Python API, declared once.

The options of the command line, its help and completion, the checks of keyword arguments, the keys
of suites, and the tables of `docs/api.md` derive from these declarations.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, Final, Literal

from benchcli.errors import unknown
from benchcli.schema import Plan, Target
from benchcli.spelling import flag
from benchcli.validation import (
    Anything,
    Choice,
    DeviceName,
    FilePath,
    Flag,
    FolderPath,
    Fraction,
    Integer,
    NetworkErrors,
    ParameterValues,
    RuntimeName,
    Seconds,
    Text,
    ValueKind,
    distinct,
)

DTYPES: Final = ("float32", "float16", "bfloat16", "float64")
LAYOUTS: Final = {"nchw": "torch's contiguous format", "nhwc": "torch's channels_last"}
STEPS: Final[Mapping[str, str]] = {
    "inference": "a forward call in evaluation mode, without gradients",
    "forward-backward": "in training mode: forward, the loss, and the gradients of all parameters",
    "train": "the same, and the optimiser's update",
}
CACHES: Final = ("warm", "cold")
NAMED_WIDTHS: Final = {
    "paper": "paper-arm on a CPU, paper-gpu on an accelerator",
    "paper-arm": "the channels of the paper's ARM column",
    "paper-gpu": "the channels of the paper's GPU column",
    "aligned": "equal FLOPs, with channels that are multiples of a SIMD register",
}
"""Sets of channels."""
GROUPS: Final = (40, 140, 300, 500)
"""Complexities in MFLOPs by which ShuffleNet V2's Table 8 groups networks."""
ALLOWABLE: Final = ("costs", "output", "input", "gone", "new")
"""The changes that a user may declare as intended; a slowdown is never one."""
COST_ROWS: Final = ("network", "module", "operator", "call")
"""What the rows of a table of costs can be."""
CONFIRMING_LAUNCHES: Final = 7
"""The least launches, after the screening, before a check leaves a network inconclusive."""
CHECK_S: Final = 300.0
"""Seconds that a check takes at most by default."""


WIDTHS, BATCHES, SIZES = Integer(1, 16384), Integer(1, 65536), Integer(1, 4096)
Values = Mapping[str, Any]
"""Valid values by the names of their settings."""


@dataclass(frozen=True)
class Setting:
    """A setting: its name, its valid values, its default, and its help."""

    name: str
    """The keyword argument."""
    kind: ValueKind[Any]
    help: str
    """For the command line and the API; `{such}` stands where the command line has its examples."""
    what: str = ""
    """How errors name the value, such as "a batch size"; the name if empty."""
    default: Any = None
    several: bool = False
    """Whether it takes several values, with commas between them on the command line."""
    such: str = ""
    """Examples in the form of the command line."""
    note: str = ""
    """The default as the help says it; empty to derive it from `default`."""
    repeated: bool = False
    """Whether the option is given once for each of several values."""
    commas: bool = False
    """Whether a Python caller may give several values in one text too, with commas between them."""
    metavar: str = ""
    """What stands for the value in the help, if it is not the kind's."""
    short: str = ""
    """The option's short form, such as "-o"."""
    only: Literal["", "command line", "Python"] = ""
    """Where alone the setting exists."""

    @property
    def option(self) -> str:
        """The option of the command line."""
        return flag(self.name)

    @property
    def explained(self) -> str:
        """The help of the option, with its examples and its default."""
        shown = self.default not in (None, (), False)
        note = self.note or (f"default: {self.spell(self.default)}" if shown else "")
        such = f", such as {self.such}" if self.such else ""
        return self.help.replace("{such}", such) + (f"  [{note}]" if note else "")

    def parse(self, text: str) -> Any:
        """Return the value of a text on the command line. Raises UserError if it is not valid."""
        if not self.several:
            return self.kind.parse(self.what, text)
        values = tuple(self.kind.parse(self.what, part) for part in self.kind.split(text))
        distinct(repr(text), values)
        return values

    def check(self, value: object) -> Any:
        """Return the value of a Python object, a tuple if it takes several. Raises UserError if it is not valid."""
        if value is None and self.default is None:
            return None
        if not (self.several or self.repeated) or self.kind.gathers:
            return self.kind.check(self.what, value)
        if self.commas and isinstance(value, str):
            value = [part.strip() for part in value.split(",")]
        several = value if isinstance(value, list | tuple | range) else (value,)
        values = tuple(self.kind.check(self.what, each) for each in several)
        if self.several:  # what is repeated may be equal, such as two inputs of one shape
            distinct(repr(value), values)
        return values or self.default

    def spell(self, value: Any) -> str:
        """Return the text of the command line for a value."""
        return ",".join(map(self.kind.spell, value)) if self.several else self.kind.spell(value)

    def words(self, value: Any) -> list[str]:
        """Return the words of the command line that give a value; none for the default."""
        if value == self.default:
            return []
        if isinstance(self.kind, Flag):
            return [self.option]
        values = value if self.repeated else (value,)
        return [word for each in values for word in (self.option, self.spell(each))]


def checked(values: Mapping[str, object], known: Iterable[Setting]) -> Values:
    """Return the values of keyword arguments, with the defaults of what is not given.

    Raises UserError if a name is not of a known setting, or a value is not valid.
    """
    declared = {setting.name: setting for setting in known if setting.only != "command line"}
    for name in values:
        if name not in declared:
            raise unknown("setting", name, sorted(declared))
    return {
        name: setting.check(values[name]) if name in values else setting.default for name, setting in declared.items()
    }


def _at(address: str) -> Callable[[], Any]:
    """Return a function that imports an object. So a declaration imports none of the plug-ins that it names."""
    module, _, name = address.partition(":")
    return lambda: getattr(import_module(f"benchcli.{module}"), name)


def _flag(name: str, help_: str, only: Literal["", "command line"] = "") -> Setting:
    return Setting(name, Flag(), help_, default=False, only=only)


DEVICE = Setting(
    "device",
    DeviceName(_at("backends.devices.base:DEVICES")),
    "Where to run: cpu, cuda, cuda:1, mps.",
    "a device",
    Target.device,
)
ALL_RUNTIMES: Final = "all"
"""The name of all runtimes that are installed and run on the device."""
RUNTIME = Setting(
    "runtime",
    RuntimeName(_at("backends.runtimes.base:RUNTIMES")),
    "What runs the networks: eager, graph for CUDA graphs, onnxruntime (see `benchcli list runtimes`).",
    "a runtime",
    Target.runtime,
)
SEVERAL_RUNTIMES = replace(
    RUNTIME,
    kind=RuntimeName(_at("backends.runtimes.base:RUNTIMES"), (ALL_RUNTIMES,)),
    help=f"{RUNTIME.help[:-1]}; several are compared{{such}}; all for those that are installed.",
    default=(Target.runtime,),
    several=True,
    commas=True,
    such="eager,onnxruntime",
)
CACHE = Setting(
    "cache",
    Choice(lambda: CACHES),
    "warm: caches keep what the call before left in them; cold: they are flushed before each call.",
    "state of the caches",
    Target.cache,
)
THREADS = Setting(
    "threads", Integer(1, 1024), "Number of CPU threads that the runtime uses.", "the number of threads", Target.threads
)
SEVERAL_THREADS = replace(
    THREADS,
    help=f"{THREADS.help[:-1]}{{such}}; several are compared.",
    default=(Target.threads,),
    several=True,
    such="1,2,4",
)
ALLOCATOR = Setting(
    "allocator",
    Choice(_at("backends.allocators:ALLOCATORS")),
    "steady: freed memory is kept for the next call; system: the system's default, which can slow calls.",
    "allocator",
    Target.allocator,
)
FLUSH_DENORMAL = _flag(
    "flush_denormal", "Let the processor take denormal numbers, for which it is many times as slow, for zero."
)
CHANNELS = Setting(
    "channels",
    Choice(lambda: NAMED_WIDTHS),
    "Named sets of channels: paper, paper-arm, paper-gpu or aligned (see `benchcli list channels`).",
    "set of channels",
    several=True,
    commas=True,
    note="default: paper; paper,aligned for several runtimes",
)
WIDTH = Setting(
    "width",
    WIDTHS,
    "Your own base width, in channels; the other channels follow from equal FLOPs.",
    "a base width",
)
SCALE = Setting(
    "scale",
    Integer(1, 64),
    "Factors that multiply the channels{such}.",
    "a scale",
    several=True,
    such="1,2,4",
    note="default: 1",
)
BATCH = Setting(
    "batch",
    BATCHES,
    "Batch sizes{such}; several are compared.",
    "a batch size",
    several=True,
    such="1,8 or 1..32:x2",
    note="default: 1",
)
DTYPE = Setting(
    "dtype",
    Choice(
        lambda: DTYPES,
        {
            "fp32": "float32",
            "float": "float32",
            "fp16": "float16",
            "half": "float16",
            "bf16": "bfloat16",
            "fp64": "float64",
            "double": "float64",
            **{f"torch.{name}": name for name in DTYPES},  # str(torch.float32)
        },
    ),
    f"Data types: {', '.join(DTYPES)}.",
    "dtype",
    several=True,
    note="default: float32",
)
LAYOUT = Setting(
    "layout",
    Choice(
        lambda: LAYOUTS,
        {
            "channels_last": "nhwc",
            "channels-last": "nhwc",
            "contiguous": "nchw",
            "torch.channels_last": "nhwc",  # str(torch.channels_last)
            "torch.contiguous_format": "nchw",
        },
    ),
    "Memory layouts: nchw, nhwc (channels last).",
    "layout",
    several=True,
    note="default: nchw",
)
STEP = Setting(
    "step",
    Choice(lambda: STEPS, {"training": "train"}),
    "What a call does: inference, forward-backward (training without the update), or train{such}; several are "
    "compared.",
    "step",
    several=True,
    such="inference,train",
    note="default: inference",
)
ALLOW_RANDOM = _flag(
    "allow_random", "Time networks whose outputs differ from call to call too; their outputs are not compared."
)
OWN_INPUTS = Setting(
    "inputs",
    Text(),
    "An input of a network of your own or of a library, once for each: [NAME=]SIZES[:DTYPE[:LOW..HIGH]], the batch "
    "first, such as 1x3x224x224 or ids=1x16:int64:0..29999.",
    "an input",
    repeated=True,
)


SUITE = Text(lambda: _at("workloads.suites:shipped_names")()(), "file")
"""The name of a built-in suite, or a path."""
NETWORK_NAME = Text(lambda: (each.name for each in _at("workloads.networks.base:NETWORKS")()))
"""The name of a network, of which a shell completes those that ship."""


IN_SEVERAL_S = 11.0
"""The default budget of a family where runtimes are compared: two minutes for five, with two sets of channels."""
DEFAULT_BUDGET = f"{Plan.budget_s:.0f}s, and {IN_SEVERAL_S:.0f}s in several runtimes"


def precise_to(fraction: float) -> Setting:
    """Return the setting of the precision, with its default."""
    return Setting(
        "precision",
        Fraction(0.0005, 0.5),
        "Stop when the half-width of every relative speed's 95 % interval is at most this share of the speed.",
        "a precision",
        fraction,
        note=f"default: {fraction:.0%}",
    )


def within(seconds: float | None = None) -> Setting:
    """Return the setting of the budget of a family. None: the default of a plan, which grows on slow devices."""
    return Setting(
        "budget",
        Seconds(),
        "Time for each family (the networks that are compared with one baseline), including start-up{such}; at least "
        "six launches are made.",
        "a budget",
        seconds,
        such="30s or 2m",
        note=f"default: {f'{seconds:.0f}s' if seconds else DEFAULT_BUDGET}; on a GPU up to four times as much, by the "
        "start-up of the first launch",
    )


LAUNCHES = Setting(
    "launches",
    Integer(1, 1000),
    "Exact number of launches (fresh processes); --precision and --budget are then not used.",
    "the number of launches",
)
BREAKDOWN = Setting(
    "breakdown",
    Flag(),
    "Profile three more launches: what share of the time goes to convolutions, element-wise operations and data "
    "movement.",
    default=False,
)
PERCENTILES = Setting(
    "percentiles",
    Flag(),
    "Time a thousand calls singly too, and show what half, 95 % and 99 % of them take at most.",
    default=False,
)
LAYERS = _flag("layers", "Time the modules of each network in six more launches.")
DEPTH = Setting(
    "depth",
    Integer(1, 100),
    "Roll the layers up to this depth, such as 1 for a network's own children; it implies --layers.",
    "a depth",
)
TREE = _flag("tree", "Show totals by type of layer, and all modules as a tree; it implies --layers.")
SHOWN_TREE = replace(TREE, help="Show totals by type of layer, and all modules as a tree.")
VERBOSE = _flag("verbose", "Show every warning below the tables.", "command line")
SHOWN_DEPTH = replace(DEPTH, help="Roll the layers up to this depth, such as 1 for a network's own children.")
SHOWN_BASELINE = Setting(
    "baseline",
    Text(),
    "Show speeds relative to this network, or FAMILY/NETWORK, instead of the first one: from the samples that were "
    "kept, without measuring.",
    "a network",
)
PAIRWISE = _flag("pairwise", "Compare each two networks of one run with each other, and rank them.", "command line")
OUTPUT = Setting(
    "output",
    FolderPath(),
    "Folder to write this run's files to.",
    "a folder",
    note="default: results/<time>-<suite>-<host>",
    short="-o",
)
RESUME = Setting(
    "resume", FolderPath(), "Folder of an interrupted run: measure only what is missing in it.", "a folder"
)
STORE = Setting(
    "store", FolderPath(), "Also add it to this store of results, a folder (see `benchcli store`).", "a store"
)
REPORT = Setting(
    "report",
    FilePath(),
    "Also write one HTML page with charts, such as report.html.",
    "a file",
    metavar="FILE",
    only="command line",
)
FORCE = _flag("force", "Replace a file that benchcli did not write, too.", "command line")
PROGRESS = Setting("progress", Anything(), "Called with a `Progress` at each step.", only="Python")
TOOLS = Setting(
    "tools", Anything(), "Tools that start processes and read the clock; tests replace them.", only="Python"
)
BLOCK_WIDTH = replace(
    WIDTH,
    help="Channels of ShuffleNet V2's unit; the other units get the channels that give equal FLOPs.",
    what="a width",
    default=128,
)
SIZE = Setting(
    "size",
    SIZES,
    "Height and width of every input image; several are compared.",
    "a size",
    several=True,
    note="default: each network's own",
)
BLOCK_SIZE = replace(SIZE, help="Height and width of the input feature map.", default=(28,), note="")
UNITS = Setting(
    "units",
    Integer(1, 100),
    "Number of units in sequence.",
    "the number of units",
    note="default: 10, or 1 with --stride 2",
)
STRIDE = Setting(
    "stride",
    Integer(1, 2),
    "1, or 2 for the downsampling units, which double the channels and halve height and width.",
    "a stride",
    1,
)
GROUP = Setting(
    "group",
    Integer(1, 100_000),
    "Groups of networks by complexity in MFLOPs, as in ShuffleNet V2's Table 8.",
    "a group",
    several=True,
    note=f"default, without NAMES: {','.join(map(str, GROUPS))}",
)
ERRORS = Setting(
    "errors",
    NetworkErrors(),
    "The top-1 error of a network in per cent, once for each, such as mine:build=28.1, for the Pareto front.",
    repeated=True,
)
BY = Setting(
    "by",
    Choice(lambda: COST_ROWS),
    "network: totals; module: each module with all that it calls; operator: sums by operator; call: each call of an "
    "operator.",
    "kind of row",
    COST_ROWS[0],
)
COMPARISONS = Setting(
    "comparisons",
    Integer(2, 10_000),
    "Number of comparisons of two equal networks; a quarter as many with a slower network are added.",
    "the number of comparisons",
    40,
)
BASE_VERSION = Setting(
    "base",
    Text(),
    "The version to compare with: a git ref, a folder of your code, or the Python of another environment.",
    "a version",
)
HEAD_VERSION = Setting(
    "head",
    Text(),
    "The version to check: a git ref, a folder, or a Python interpreter.",
    "a version",
    note="default: the working tree",
)
BASELINE = Setting(
    "baseline",
    FolderPath(),
    "Folder of a recorded run to compare with instead: costs always, relative speeds only on the same machine.",
    "a baseline",
)
HISTORY = Setting(
    "history",
    FolderPath(),
    "A store of results to compare with instead: costs with its last run of the suite on such a machine, times with "
    "the level of all runs since the last change, and with slow drifts.",
    "a store",
)
ONLY = Setting(
    "only",
    Text(),
    "Check only this FAMILY or FAMILY/VARIANT; may be repeated.",
    "a name",
    default=(),
    repeated=True,
    commas=True,
)
THRESHOLD = Setting(
    "threshold",
    Fraction(0.0005, 0.5),
    "The smallest slowdown that fails{such}.",
    "a threshold",
    such="2%",
    note="default: 1% if one process runs both versions, else 3%; 5% with --baseline; 2% with --history",
)
CONFIRMATIONS = Setting(
    "launches",
    Integer(5, 100),
    "Fresh processes, after a screening by three, before a network is left inconclusive. It is judged after each "
    "of them; a check of less than 80 seconds makes more.",
    "the number of launches",
    CONFIRMING_LAUNCHES,
)
TIME_LIMIT = Setting(
    "time_limit",
    Seconds(),
    "Time limit of the whole check; what is not measured by then is reported as unmeasured.",
    "a time limit",
    CHECK_S,
    note="default: 5m",
)
STRICT = _flag("strict", "Exit with code 4 if anything is inconclusive.", "command line")
FAIL_IF_MDE_ABOVE = Setting(
    "fail_if_mde_above",
    Fraction(0.0005, 1.0),
    "Exit with code 4 if a larger slowdown than this{such} could pass unnoticed: the minimum detectable effect of a "
    "network that passed is above it.",
    "a minimum detectable effect",
    such="5%",
)
SEPARATE = _flag("separate", "Run each version in its own process, even if one process could load both.")
COSTS_ONLY = Setting(
    "costs_only",
    Flag(),
    "Compare FLOPs, parameters and memory access cost, outputs too with --base, and measure no time.",
    default=False,
)
QUICK = _flag("quick", "Leave out the trial of equal networks, which takes some seconds.")
PEAKS = _flag(
    "peaks",
    "Show instead the roofs, the most that torch's operators reach here: multiply-adds by dtype, bytes by level of "
    "caches, and the cost of dispatching one. They are measured once and kept.",
    "command line",
)
FRESH = _flag("fresh", "Measure the roofs anew, and keep these.")
ALLOW = Setting(
    "allow",
    Choice(lambda: ALLOWABLE),
    "Intended changes, which are reported but do not fail: costs, output, input (a network is measured on another "
    "one, and is not compared), gone (a network was removed), new (a network was added).",
    "change",
    default=(),
    several=True,
    commas=True,
)
REQUIRE_CLEAN = _flag("require_clean", "Fail if the working tree has uncommitted changes.")
WRITE = Setting(
    "write",
    Text(),
    "Also write a file, such as junit=report.xml; may be repeated.",
    default=(),
    repeated=True,
    metavar="FORMAT=FILE",
    only="command line",
)

PRECISION, BUDGET = precise_to(Plan.precision), within()
TARGET = (DEVICE, RUNTIME, CACHE, THREADS, ALLOCATOR, FLUSH_DENORMAL)
OF_ROOFS = (DEVICE, THREADS, ALLOCATOR)
"""What the roofs of a machine depend on, of a target's settings: they are those of eager mode with warm caches."""
OF_TABLES = (DEVICE, THREADS, ALLOCATOR, FLUSH_DENORMAL)
"""What the times of operators depend on, of a target's settings."""
TARGETS = (DEVICE, SEVERAL_RUNTIMES, CACHE, SEVERAL_THREADS, ALLOCATOR, FLUSH_DENORMAL)
CHANNEL_SETTINGS = (CHANNELS, WIDTH, SCALE)
INPUT_SETTINGS = (BATCH, DTYPE, LAYOUT, STEP)
TRACING = (BREAKDOWN, PERCENTILES, LAYERS, DEPTH, TREE)
FILES = (OUTPUT, RESUME, STORE, REPORT, FORCE)
IN_PYTHON = (PROGRESS, TOOLS)
_HOW_MUCH = (PRECISION, BUDGET, LAUNCHES)
MEASURE = (
    *(*CHANNEL_SETTINGS, *TARGETS, *INPUT_SETTINGS, ALLOW_RANDOM),
    *(*_HOW_MUCH, *TRACING, *FILES, *IN_PYTHON),
)
"""The settings of `measure`, and of `benchcli guideline` and `run`, in the order of their help."""
_OF_A_SUITE = "default: the suite's, or "
RUN = tuple(
    replace(each, note=each.note.replace("default: ", _OF_A_SUITE))
    if each in (*CHANNEL_SETTINGS, *INPUT_SETTINGS)
    else each
    for each in MEASURE
)
"""The same, where a suite may set what concerns the networks."""
_NETWORKS_S = 40.0
"""Seconds. It is larger than for guidelines, because a launch of whole networks takes seconds."""
_OF_NETWORKS = (*TARGETS, *INPUT_SETTINGS, *(PRECISION, within(_NETWORKS_S), LAUNCHES), *TRACING, *FILES, *IN_PYTHON)
BLOCK = (BLOCK_WIDTH, BLOCK_SIZE, UNITS, STRIDE, *_OF_NETWORKS)
NETWORK = (GROUP, SIZE, OWN_INPUTS, ERRORS, ALLOW_RANDOM, *_OF_NETWORKS)
CLAIMS = (*TARGET, precise_to(0.02), within(17.0), LAUNCHES, *FILES)
"""Claims are about effects of 2 % and more."""
META = _flag("meta", "Count without memory for weights and activations, from shapes alone.")
COSTS = (
    BY,
    replace(
        DEPTH,
        help="Show the modules down to this depth, such as 1 for a network's own children, each with all that it "
        "calls; it implies --by module.",
    ),
    replace(SIZE, help="Height and width of every input image.", several=False),
    OWN_INPUTS,
    replace(BATCH, help="Number of images in a call.", several=False, note="default: that of --input, or 1"),
    replace(DTYPE, help=f"Data type: {', '.join(DTYPES)}.", default="float32", several=False),
    replace(
        STEP,
        help="What a call does: inference, forward-backward (training without the update), or train.",
        default="inference",
        several=False,
    ),
    replace(
        DEVICE,
        help="Where to call the networks: other devices dispatch other operators, and report their own peak memory.",
    ),
    META,
    replace(STRICT, help="End with exit code 4 if a count is incomplete."),
    TOOLS,
)
CHECK = (
    *(BASE_VERSION, HEAD_VERSION, BASELINE, HISTORY, ONLY, THRESHOLD, CONFIRMATIONS, TIME_LIMIT),
    *(STRICT, FAIL_IF_MDE_ABOVE, SEPARATE, COSTS_ONLY, ALLOW, REQUIRE_CLEAN, WRITE),
    *TARGET,
    ALLOW_RANDOM,
    replace(
        OUTPUT,
        help="Folder to write this check's files to.",
        what="an output",
        note="default: results/<time>-check-<suite>-<host>",
    ),
    STORE,
    REPORT,
    FORCE,
    *IN_PYTHON,
)
APPLY = _flag(
    "apply",
    "Measure the whole network, too, with each change that needs no training: folded, in place, frozen, in the other "
    "layout, in each runtime that is installed.",
)
WRITE_PROGRAM = Setting(
    "write",
    FilePath(),
    "Write the network with the fastest change that keeps its weights, as a program of torch.export, such as "
    "faster.pt2; with --apply, of all of them.",
    "a file",
    metavar="FILE",
)
_TRIALS_S = 14.0
AUDIT = (
    *(replace(SIZE, help="Height and width of the input image.", several=False), OWN_INPUTS),
    replace(BATCH, help="Number of images in a call.", several=False, note="default: that of --input, or 1"),
    replace(DTYPE, help=f"Data type: {', '.join(DTYPES)}.", several=False),
    replace(LAYOUT, help="Memory layout: nchw, nhwc (channels last).", several=False),
    *(DEVICE, THREADS, ALLOCATOR, FLUSH_DENORMAL, ALLOW_RANDOM),
    *(APPLY, WRITE_PROGRAM),
    replace(
        within(_TRIALS_S),
        help="Time for the layers that are rebuilt, including start-up.",
        such="",
        note="default: 14s",
    ),
    replace(DEPTH, help="Roll the layers up to this depth, such as 1 for the network's own children."),
    FRESH,
    *(OUTPUT, REPORT, FORCE, *IN_PYTHON),
)
"""The settings of `audit`."""
IN = Setting(
    "in_",
    WIDTHS,
    "Input channels (features of linear){such}; the widths of a block.",
    "a number of input channels",
    several=True,
    such="32..256:8",
)
OUT = Setting(
    "out",
    WIDTHS,
    "Output channels of conv, or features of linear.",
    "a number of output channels",
    several=True,
    note="default: as many as go in",
)
SWEPT_GROUPS = Setting(
    "groups", WIDTHS, "Groups of conv; widths that they do not divide are left out.", "the number of groups", (1,), True
)
KERNEL = Setting("kernel", Integer(1, 99), "Height and width of the windows.", "a window", (1,), several=True)
SWEPT_SIZE = replace(
    SIZE,
    help="Height and width of the input feature map; rows of linear.",
    note="default: 28, and 196 rows",
)
PARAMS = Setting(
    "params",
    ParameterValues(),
    "Values of a parameter of a callable, once for each, such as width=32..256:8; inputs may name it, as in "
    "1x{width}x28x28.",
    repeated=True,
)
SWEPT_NAME = Text(
    lambda: ["conv", "depthwise", "linear", *(each.name for each in _at("workloads.blocks.base:BLOCKS")())]
)
"""What can be swept, of which a shell completes what ships."""
FILL = _flag("fill", "Also time the operators of these layers alone, and keep them for `benchcli predict`.")
_LINE_S = 30.0
SWEEP = (
    *(IN, OUT, SWEPT_GROUPS, KERNEL),
    replace(STRIDE, default=(1,), several=True, help="Strides of conv, depthwise and blocks: 1, 2."),
    *(SWEPT_SIZE, PARAMS),
    replace(OWN_INPUTS, help="An input of a callable, once for each, such as 1x{width}x28x28, with its parameters."),
    replace(BATCH, help="Number of images in a call.", several=False, note="default: that of --input, or 1"),
    replace(DTYPE, help=f"Data type: {', '.join(DTYPES)}.", several=False),
    replace(LAYOUT, help="Memory layout: nchw, nhwc (channels last).", several=False),
    *(DEVICE, RUNTIME, CACHE, THREADS, ALLOCATOR, FLUSH_DENORMAL),
    *(precise_to(0.02), replace(within(_LINE_S), help="Time for each line of widths, including start-up."), LAUNCHES),
    *(FILL, OUTPUT, RESUME, STORE, REPORT, FORCE, *IN_PYTHON),
)
"""The settings of `sweep`."""
KNOWN = _flag("known", "Measure no operator: predict from those that are known, and say which are not.")
WRITE_LIST = Setting(
    "write",
    FilePath(),
    "Write the operators of the network, of which there is one, as a list that this command reads, such as mine.json.",
    "a file",
    metavar="FILE",
)
PREDICT = (
    *(replace(SIZE, help="Height and width of every input image.", several=False), OWN_INPUTS),
    replace(BATCH, help="Number of images in a call.", several=False, note="default: that of --input, or 1"),
    replace(DTYPE, help=f"Data type: {', '.join(DTYPES)}.", several=False),
    *(DEVICE, THREADS, ALLOCATOR, FLUSH_DENORMAL),
    KNOWN,
    replace(FRESH, help="Forget the operators that are known, and measure them anew."),
    WRITE_LIST,
    *IN_PYTHON,
)
"""The settings of `predict`."""
KEPT_IN = replace(STORE, help="The store of results, a folder.")
IN_HISTORY = (
    Setting("network", Text(), "Follow only these networks: NETWORK, FAMILY/NETWORK, or a pattern.", "a network"),
    Setting(
        "host",
        Text(),
        "Follow only the runs of the machine with this name, or of those that a pattern names.",
        "a host",
    ),
)
SCHEDULER = Setting(
    "scheduler",
    Text(),
    "The address of a Dask scheduler whose workers measure{such}.",
    "an address",
    such="tcp://10.0.0.1:8786",
    metavar="ADDRESS",
)
HOSTS = Setting(
    "hosts",
    FilePath(),
    "A file of hosts that measure, a line for each: its name for ssh, and behind it python=PATH and labels.",
    "a file of hosts",
    metavar="FILE",
)
LOCAL = Setting("local", Integer(1, 64), "Measure with so many workers on this machine, one at a time.", "a number")
ON = Setting(
    "on",
    Text(),
    "Measure once on any host with this label, such as gpu=h100, instead of on each host; may be repeated.",
    "a label",
    default=(),
    repeated=True,
    metavar="LABEL",
)
TLS = Setting("tls", FolderPath(), "Encrypt, with the ca.pem, cert.pem and key.pem of this folder.", "a folder")
FLEET_WAIT = Setting(
    "wait", Seconds(), "How long a worker, or one that has gone, is waited for.", "a time", 60.0, note="default: 60s"
)
QUIET_FOR = Setting(
    "quiet",
    Seconds(),
    "How long a host on which others work is waited for, before it is measured as it is.",
    "a time",
    60.0,
    note="default: 60s",
)
SHIPPED = tuple(each for each in RUN if each not in (*FILES, *IN_PYTHON))
"""The settings of a run that go to the hosts of a fleet."""
FLEET = (
    *(SCHEDULER, HOSTS, LOCAL, ON, TLS, FLEET_WAIT, QUIET_FOR),
    *SHIPPED,
    replace(OUTPUT, help="Folder to write the hosts' runs to.", note="default: results/<time>-fleet-<suite>"),
    replace(RESUME, help="Folder of a fleet that was interrupted: ask for what is not finished."),
    *(STORE, REPORT, FORCE),
)
"""The settings of `fleet`, and of `benchcli fleet run`."""
SELFTEST = (COMPARISONS, *TARGET, PRECISION, within(4.0), LAUNCHES)
