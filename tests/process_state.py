"""The state of the process, which tests share: a test that leaves it changed fails, and it is put back.

Torch is looked at only where it is loaded already: no test imports it because of this. Random state
may change: whoever needs it sets a seed.
"""

import builtins
import gc
import locale
import logging
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

NOT_OF_TESTS = ("PYTEST_CURRENT_TEST", "TORCHINDUCTOR_CACHE_DIR")
"""Environment variables that pytest, and torch when its compiler is first imported, set."""
TORCHS = "torch: "
"""How the names of torch's parts begin."""
LAST_S = 5.0
"""How long the threads of a test, and the files that they have open, may last after it."""


def difference(before: Any, after: Any) -> str:
    """Return in words how a value differs; an empty text if it does not."""
    return "" if before == after else f"was {before!r}, is {after!r}"[:500]


def of_names(before: Mapping[str, Any], after: Mapping[str, Any]) -> str:
    """Return how values by name differ."""
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return "; ".join(f"{name} {difference(before.get(name), after.get(name))}" for name in names[:5])


def of_items(before: tuple[Any, ...], after: tuple[Any, ...]) -> str:
    """Return how the items of a list differ."""
    if before == after:
        return ""
    added, gone = [each for each in after if each not in before], [each for each in before if each not in after]
    return f"added {added}, gone {gone}"[:500] if added or gone else "the order"


@dataclass(frozen=True)
class Part:
    """A part of the state: what reads it, what puts it back if that can be, and what compares it."""

    name: str
    read: Callable[[], Any]
    put_back: Callable[[Any], object] | None = None
    differs: Callable[[Any, Any], str] = difference


def read_state() -> dict[str, Any]:
    """Return the parts of the state by name."""
    return {part.name: part.read() for part in parts()}


def changes(before: Mapping[str, Any]) -> list[str]:
    """Return a line for each part that is no more what it was. One that appeared since is no change."""
    texts = {part.name: part.differs(before[part.name], part.read()) for part in parts() if part.name in before}
    return [f"{name}: {text}" for name, text in texts.items() if text]


def put_back(before: Mapping[str, Any]) -> None:
    """Set what is not as it was. Some settings of torch override others: all are set, in their order."""
    known = [part for part in parts() if part.name in before and part.put_back]
    changed = {part.name for part in known if part.differs(before[part.name], part.read())}
    for part in known:
        is_of_changed_torch = part.name.startswith(TORCHS) and any(name.startswith(TORCHS) for name in changed)
        if part.put_back and (part.name in changed or is_of_changed_torch):
            part.put_back(before[part.name])


def parts() -> tuple[Part, ...]:
    """Return the parts of the state, torch's only where it is loaded."""
    if "torch" not in sys.modules:
        return PYTHON
    from tests.torch_state import TORCH

    return PYTHON + TORCH


class Same:
    """An object that equals nothing but itself."""

    def __init__(self, held: Any) -> None:
        self.held = held

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Same) and self.held is other.held

    def __hash__(self) -> int:
        return id(self.held)

    def __repr__(self) -> str:
        return repr(self.held)


def attribute(owner: Any, name: str) -> Part:
    """Return a part that is an attribute, which is to be the same object."""
    return Part(
        f"{owner.__name__}.{name}",
        lambda: Same(getattr(owner, name)),
        lambda before: setattr(owner, name, before.held),
    )


def items(owner: Any, name: str) -> Part:
    """Return a part that is a list, with the same objects."""

    def put_back(before: tuple[Same, ...]) -> None:
        getattr(owner, name)[:] = [each.held for each in before]

    return Part(f"{owner.__name__}.{name}", lambda: tuple(map(Same, getattr(owner, name))), put_back, of_items)


def hook(name: str, read: Callable[[], Any], put_back: Callable[[Any], object]) -> Part:
    """Return a part that is a function which Python calls by itself."""
    return Part(name, lambda: Same(read()), lambda before: put_back(before.held))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in NOT_OF_TESTS}


def _set_environment(before: Mapping[str, str]) -> None:
    for name in _environment().keys() - before.keys():
        del os.environ[name]
    os.environ.update(before)


def _folder() -> str:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return "a folder that is gone"


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _passing(before: Mapping[str, ModuleType], after: Mapping[str, ModuleType]) -> list[str]:
    """Return the names of new modules that lie in a test's temporary folder."""
    places = {name: getattr(after[name], "__file__", None) for name in after.keys() - before.keys()}
    return [name for name, place in places.items() if isinstance(place, str) and "/pytest-of-" in place]


def _replaced_modules(before: Mapping[str, ModuleType], after: Mapping[str, ModuleType]) -> str:
    """Return the names of modules that are gone or others now. New ones may stay, but for a test's own."""
    if before == after:  # thousands are compared by identity, in C
        return ""
    names = [name for name, module in before.items() if after.get(name) is not module]
    return ", ".join((names + _passing(before, after))[:20])


def _set_modules(before: Mapping[str, ModuleType]) -> None:
    for name in _passing(before, sys.modules):
        del sys.modules[name]
    sys.modules.update(before)


SIGNALS = sorted(signal.valid_signals() - {getattr(signal, name, None) for name in ("SIGKILL", "SIGSTOP")})


def _handlers() -> dict[str, Same]:
    return {str(number): Same(signal.getsignal(number)) for number in SIGNALS}


def _set_handlers(before: Mapping[str, Same]) -> None:
    for number in SIGNALS:
        handler = before[str(number)].held
        if handler is not None and signal.getsignal(number) is not handler:
            signal.signal(number, handler)


def _filters() -> tuple[tuple[Any, ...], int]:
    """Return the filters of warnings, and how many modules are loaded."""
    return tuple(warnings.filters), len(sys.modules)


def _filters_differ(before: tuple[tuple[Any, ...], int], after: tuple[tuple[Any, ...], int]) -> str:
    """Return how the filters differ. Libraries add some when they are imported."""
    if before[1] != after[1]:
        after = tuple(each for each in after[0] if each in before[0]), after[1]
    return of_items(before[0], after[0])


def _set_filters(before: tuple[tuple[Any, ...], int]) -> None:
    warnings.filters[:] = before[0]  # type: ignore[index]


def _timers() -> tuple[bool, ...]:
    return tuple(signal.getitimer(each)[0] > 0 for each in (signal.ITIMER_REAL, signal.ITIMER_PROF))


def _stop_timers(_before: object) -> None:
    for each in (signal.ITIMER_REAL, signal.ITIMER_PROF):
        signal.setitimer(each, 0)


def _collector() -> tuple[bool, tuple[int, int, int], int]:
    return gc.isenabled(), gc.get_threshold(), gc.get_debug()


def _set_collector(before: tuple[bool, tuple[int, int, int], int]) -> None:
    (gc.enable if before[0] else gc.disable)()
    gc.set_threshold(*before[1])
    gc.set_debug(before[2])


def _callbacks() -> tuple[Same, ...]:
    """Return what the collector calls, but for that by which hypothesis measures it."""
    return tuple(Same(each) for each in gc.callbacks if not each.__module__.startswith("hypothesis."))


def _open_files() -> dict[str, str]:
    """Return what each file descriptor leads to."""
    found = {}
    for number in os.listdir("/proc/self/fd"):  # noqa: PTH208 - Path's way takes three times as long
        with suppress(OSError):  # that of the listing is closed
            found[number] = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
    return found


def _left_open(before: Mapping[str, str], after: Mapping[str, str]) -> str:
    """Return what was opened and is open still, when garbage is collected and threads had time to end."""
    end_s = time.monotonic() + LAST_S
    while new := {number: place for number, place in after.items() if before.get(number) != place}:
        if time.monotonic() > end_s:
            return ", ".join(f"{number}: {place}" for number, place in new.items())
        gc.collect()
        time.sleep(0.01)
        after = _open_files()
    return ""


def _left_running(before: set[threading.Thread], after: set[threading.Thread]) -> str:
    """Return the threads that were started and do not end."""
    end_s = time.monotonic() + LAST_S
    for thread in after - before:
        thread.join(max(0.0, end_s - time.monotonic()))
    return ", ".join(thread.name for thread in after - before if thread.is_alive())


_audit_hooks: list[str] = []
"""The audit hooks that were added: nobody can list or remove them."""


def watch_audit_hooks() -> None:
    """Note each audit hook that is added from now on, but for benchcli's own, which is meant to stay."""
    original = sys.addaudithook

    def addaudithook(hook: Callable[[str, tuple[Any, ...]], Any]) -> None:
        if not str(getattr(hook, "__module__", "")).startswith("benchcli."):
            _audit_hooks.append(repr(hook))
        original(hook)

    sys.addaudithook = addaudithook


def _system() -> Iterator[Part]:
    """Yield the parts that not every system has."""
    if hasattr(signal, "getitimer"):
        yield Part("timers", _timers, _stop_timers)
    if Path("/proc/self/fd").is_dir():
        yield Part("open files", _open_files, None, _left_open)
    if hasattr(os, "sched_getaffinity"):
        yield Part("cores", lambda: os.sched_getaffinity(0), lambda before: os.sched_setaffinity(0, before))
        yield Part("priority", lambda: os.getpriority(os.PRIO_PROCESS, 0))


def _set_list(values: list[str]) -> Callable[[Any], None]:
    return lambda before: values.__setitem__(slice(None), before)


SYS = ("stdin", "stdout", "stderr", "excepthook", "displayhook", "unraisablehook", "addaudithook")
PYTHON: tuple[Part, ...] = (
    Part("environment variables", _environment, _set_environment, of_names),
    Part("working folder", _folder, os.chdir),
    Part("umask", _umask, os.umask),
    Part("sys.path", lambda: tuple(sys.path), _set_list(sys.path), of_items),
    Part("sys.argv", lambda: tuple(sys.argv), _set_list(sys.argv), of_items),
    items(sys, "meta_path"),
    items(sys, "path_hooks"),
    Part("sys.modules", lambda: dict(sys.modules), _set_modules, _replaced_modules),
    *(attribute(sys, name) for name in (*SYS, "dont_write_bytecode", "pycache_prefix")),
    attribute(threading, "excepthook"),
    hook("profile hook", sys.getprofile, sys.setprofile),
    hook("trace hook", sys.gettrace, sys.settrace),
    hook("profile hook of threads", threading.getprofile, threading.setprofile),
    hook("trace hook of threads", threading.gettrace, threading.settrace),
    Part("audit hooks", lambda: tuple(_audit_hooks), None, of_items),
    Part("recursion limit", sys.getrecursionlimit, sys.setrecursionlimit),
    Part("switch interval", sys.getswitchinterval, sys.setswitchinterval),
    Part("signal handlers", _handlers, _set_handlers, of_names),
    Part("garbage collection", _collector, _set_collector),
    Part("gc.callbacks", _callbacks, None, of_items),
    Part("warnings.filters", _filters, _set_filters, _filters_differ),
    Part("logging.disable", lambda: logging.root.manager.disable, logging.disable),
    Part("logging's level", lambda: logging.root.level, logging.root.setLevel),
    Part("locale", lambda: locale.setlocale(locale.LC_ALL), lambda before: locale.setlocale(locale.LC_ALL, before)),
    Part(
        "builtins",
        lambda: {name: Same(value) for name, value in vars(builtins).items() if name != "_"},
        lambda before: vars(builtins).update({name: value.held for name, value in before.items()}),
        of_names,
    ),
    Part("threads", lambda: set(threading.enumerate()), None, _left_running),
    *_system(),
)
