"""The compiler's time, and signs of life while it works."""

import sys
from time import sleep
from types import ModuleType

import pytest

from benchcli.sampling import compiling
from benchcli.sampling.compiling import CompileTime


class Compiler(ModuleType):
    """Stands for torch's counters of what it has looked at."""

    def __init__(self) -> None:
        super().__init__("torch._dynamo.utils")
        self.counters = {"frames": {"total": 0}}


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch) -> Compiler:
    module = Compiler()
    monkeypatch.setitem(sys.modules, "torch._dynamo", ModuleType("torch._dynamo"))
    monkeypatch.setitem(sys.modules, "torch._dynamo.utils", module)
    monkeypatch.setattr(compiling, "ALIVE_S", 0.01)
    return module


def test_the_worker_gives_signs_of_life_while_the_compiler_works(compiler: Compiler) -> None:
    signs: list[int] = []
    reported = CompileTime(lambda: signs.append(1))

    def compile_slowly() -> str:
        compiler.counters["frames"]["total"] += 1
        while not signs:
            sleep(0.01)
        return "done"

    assert reported.call(compile_slowly) == "done"
    assert reported.seconds > 0
    after = len(signs)
    sleep(0.05)
    assert len(signs) == after


def test_a_call_that_compiles_nothing_gives_none_and_may_be_taken_for_hung(compiler: Compiler) -> None:
    signs: list[int] = []
    reported = CompileTime(lambda: signs.append(1))
    reported.call(lambda: sleep(0.1))
    assert (signs, reported.seconds, compiler.counters["frames"]["total"]) == ([], 0.0, 0)


def test_a_compiler_that_hangs_gives_signs_for_so_long(compiler: Compiler, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiling, "MOST_S", 0.03)
    signs: list[int] = []

    def hang_for_a_while() -> None:
        compiler.counters["frames"]["total"] += 1
        sleep(0.3)

    CompileTime(lambda: signs.append(1)).call(hang_for_a_while)
    assert 1 <= len(signs) <= 3
