"""What runtimes prepare: when it is prepared, kept and loaded, what is recorded of it, and what is never timed."""

import csv
import io
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import benchcli
from benchcli.api.keywords import runtimes_of
from benchcli.backends.devices.base import RanKernel
from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Profiler, RanNode, Runtime, runtime_named
from benchcli.cost.inputs import Inputs
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.runs.read import read
from benchcli.sampling import artifact_cache
from benchcli.sampling.artifact_cache import FOLDER, fetch, keep, size_of
from benchcli.sampling.artifact_key import key_of
from benchcli.schema import REORDER, Failure, Family, Target, Variant
from benchcli.schema.protocol import Conversation, Exported, Started, Task, WorkerDied
from benchcli.workers.tools import Tools
from tests.conftest import Outcome, inline

Cli = Callable[..., Outcome]
SMALL = ("guideline", "g2", "--width", "8", "--device", "fake", "--launches", "2", "--format", "csv")
EXPORTS: list[str] = []
"""What the runtime of these tests has exported, by the file's name."""


class Toy(Runtime):
    """Writes the network's weights into a file, and runs what it reads from it."""

    name, title = "toy", "a runtime of tests"
    options = {
        "fails": "exports nothing",
        "empty": "writes no file",
        "wrong": "its outputs are wrong",
        "nan": "its outputs are no numbers",
        "drifts": "its outputs are right at first",
        "coarse": "computes in bfloat16",
    }
    export_s = 5.0
    layouts = ("nchw",)
    number = "1"

    def versions(self) -> Mapping[str, str]:
        return {"toy": self.number}

    def computes_in(self, dtype: str) -> str:
        return "bfloat16" if self.option == "coarse" else dtype

    def export(self, network: torch.nn.Module, inputs: Inputs, place: Place, artifact: Path) -> None:
        assert not torch.is_inference_mode_enabled()
        if self.option == "fails":
            raise ValueError("operator toy::op is not known\nand a second line") from KeyError("the cause of it")
        if self.option != "empty":
            EXPORTS.append(artifact.name)
            torch.save(network.state_dict(), artifact)

    def prepare(self, network: torch.nn.Module, inputs: Inputs, place: Place, artifact: Path | None) -> Call:
        assert artifact
        network.load_state_dict(torch.load(artifact))
        call, calls = inputs.bound_to(network), iter(range(1000))

        def run() -> torch.Tensor:
            output: torch.Tensor = call()
            late = self.option == "drifts" and next(calls) > 1
            factors = {"wrong": 1.1, "nan": float("nan"), "coarse": 1.02}
            return output * (2 if late else factors.get(self.option, 1))

        return run


@pytest.fixture(autouse=True)
def toy(measured_anew: None) -> Iterator[Toy]:
    """Register the runtime for a test."""
    EXPORTS.clear()
    list(RUNTIMES)
    yield RUNTIMES.add(Toy())  # type: ignore[misc]
    del RUNTIMES._plugins["toy"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep what is prepared in a folder of the test."""
    folder = tmp_path / "cache"
    monkeypatch.setenv(FOLDER, str(folder))
    return folder


class Conversions(Profiler):
    """A profile of a call with a conversion of layout before the last of two convolutions."""

    def __init__(self, call: Call) -> None:
        self._call, self._calls = call, 0

    def call(self) -> object:
        self._calls += 1
        return self._call()

    def finish(self) -> list[list[RanNode]]:
        conv, reorder = RanKernel("Conv", "toy", 1e-3), RanKernel(REORDER, "toy", 1e-4)
        nodes = [RanNode(conv, "convolution"), RanNode(reorder, "data"), RanNode(conv, "convolution")]
        return [nodes] * self._calls


def rows_of(found: Outcome) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(found.out)))


def test_a_row_says_what_preparing_took_and_how_well_the_runtime_computes(cli: Cli) -> None:
    found = cli(*SMALL, "--runtime", "toy", "--output", "run")
    rows = rows_of(found)
    assert found.code == 0, found.err
    assert [row["status"] for row in rows] == ["ok"] * len(rows)
    for row in rows:
        assert float(row["export_s"]) > 0
        assert float(row["load_s"]) > 0
        assert int(row["loaded_bytes"]) >= 0
        assert int(row["artifact_bytes"]) > 500
        assert float(row["output_error"]) == 0.0
    again = read(Path("run")).records
    assert [each.preparation.artifact_bytes for each in again] == [int(row["artifact_bytes"]) for row in rows]


def test_eager_prepares_nothing_and_its_error_is_recorded_in_other_dtypes(cli: Cli) -> None:
    plain = rows_of(cli(*SMALL, "--output", "plain"))
    assert {row[name] for row in plain for name in ("export_s", "load_s", "artifact_bytes", "output_error")} == {""}
    half = rows_of(cli(*SMALL, "--dtype", "bfloat16", "--output", "half"))
    assert all(1e-4 < float(row["output_error"]) < 1e-1 for row in half)
    assert {row["load_s"] for row in half} == {""}
    assert {0.0 <= float(row["argmax_agreement"]) <= 1.0 for row in half} == {True}


def test_how_often_a_runtime_converts_layouts_is_counted_once_and_kept(
    cli: Cli, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def profiler(_self: Toy, network: torch.nn.Module, inputs: Inputs, place: Place, artifact: Path) -> Profiler | None:
        groups = next(each.groups for each in network.modules() if isinstance(each, torch.nn.Conv2d))
        return Conversions(_self.prepare(network, inputs, place, artifact)) if groups == 1 else None

    assert {row["reorders"] for row in rows_of(cli(*SMALL, "--runtime", "toy", "--output", "without"))} == {""}
    shutil.rmtree(cache)
    with monkeypatch.context() as telling:
        telling.setattr(Toy, "profiler", profiler)
        first = rows_of(cli(*SMALL, "--runtime", "toy", "--output", "first"))
    second = rows_of(cli(*SMALL, "--runtime", "toy", "--output", "second"))
    assert [row["reorders"] for row in first] == [row["reorders"] for row in second]
    assert {row["variant"]: row["reorders"] for row in first}["g=1"] == "1"
    assert {row["reorders"] for row in first} == {"1", ""}


def test_what_an_earlier_run_prepared_is_loaded_and_says_what_it_took_then(cli: Cli, cache: Path) -> None:
    first = rows_of(cli(*SMALL, "--runtime", "toy", "--output", "first"))
    assert EXPORTS
    EXPORTS.clear()
    second = rows_of(cli(*SMALL, "--runtime", "toy", "--output", "second"))
    assert EXPORTS == []
    assert [row["export_s"] for row in second] == [row["export_s"] for row in first]
    assert [row["artifact_bytes"] for row in second] == [row["artifact_bytes"] for row in first]


@pytest.mark.parametrize("change", ["version", "option", "weights", "damage"])
def test_what_was_prepared_otherwise_is_prepared_anew(
    cli: Cli, cache: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli(*SMALL, "--runtime", "toy", "--output", "first")
    number = len(EXPORTS)
    EXPORTS.clear()
    name = "toy"
    if change == "version":
        monkeypatch.setattr(Toy, "number", "2")
    elif change == "option":
        name = "toy:coarse"
    elif change == "weights":
        monkeypatch.setattr("benchcli.sampling.artifact_key.hashed", lambda tensor: "other")
    else:
        for each in cache.glob("*/artifact"):
            each.write_bytes(each.read_bytes()[:-1] + b"?")
    found = cli(*SMALL, "--runtime", name, "--output", "second")
    assert (found.code, len(EXPORTS)) == (0, number)


@pytest.mark.parametrize(
    ("option", "status", "error"),
    [
        ("fails", "unsupported", "toy cannot export it: 'the cause of it'"),
        ("empty", "failed", "RuntimeError: toy wrote no file"),
        ("wrong", "wrong-output", "it differs by 1.0e-01 from eager float32, where 1e-03 is allowed"),
        ("nan", "wrong-output", "it holds values that are not finite"),
        ("drifts", "wrong-output", "it differs by 1.0e+00 from eager float32, where 1e-03 is allowed"),
    ],
)
def test_what_is_wrong_before_or_after_the_samples_is_a_row_without_a_time(
    cli: Cli, option: str, status: str, error: str
) -> None:
    found = cli(*SMALL, "--runtime", f"toy:{option},eager", "--output", "run")
    rows = {name: [row for row in rows_of(found) if row["runtime"] == name] for name in ("eager", f"toy:{option}")}
    assert found.code == 4
    assert {(row["status"], row["error"], row["median_s"]) for row in rows[f"toy:{option}"]} == {(status, error, "")}
    assert {(row["status"], bool(row["median_s"])) for row in rows["eager"]} == {("ok", True)}


def test_a_runtime_that_computes_in_less_gets_that_dtypes_tolerance(cli: Cli) -> None:
    rows = rows_of(cli(*SMALL, "--runtime", "toy:coarse", "--output", "run"))
    assert {row["status"] for row in rows} == {"ok"}
    assert {round(float(row["output_error"]), 3) for row in rows} == {0.02}


def test_layouts_and_training_that_a_runtime_lacks_are_unsupported_before_anything_is_exported(cli: Cli) -> None:
    for options, error in (
        (("--layout", "nhwc"), "toy has a memory layout of its own: leave --layout nhwc out"),
        (("--step", "train"), "toy computes no gradients: give --runtime eager"),
    ):
        found = cli(*SMALL, "--runtime", "toy,eager", *options, "--output", options[1])
        assert found.code == 4
        failures = {each.failure for each in read(Path(options[1])).records if each.target.runtime == "toy"}
        assert failures == {Failure("unsupported", error)}


def test_an_export_that_does_not_end_is_ended_and_the_others_are_measured(cli: Cli) -> None:
    """The worker is ended when it comes to one network: what it had prepared before stays prepared."""

    attempts: list[Task] = []

    def hanging(task: Task, silence_s: float) -> Conversation:
        attempts.extend([task] if task.kind == "export" else [])
        for event in inline(task, silence_s):
            if task.kind == "export" and isinstance(event, Started) and event.variant == "g=4":
                assert silence_s == Toy.export_s
                yield event
                yield WorkerDied(Failure("timeout", "no sign of life for 5 s"))
                return True
            assert not (task.kind == "export" and isinstance(event, Exported) and event.variant == "g=4")
            yield event
        return True

    found = cli(*SMALL, "--runtime", "toy", "--output", "run", launcher=hanging)
    status = {row["variant"]: (row["status"], row["error"]) for row in rows_of(found)}
    assert found.code == 4
    assert status.pop("g=4") == ("timeout", "no sign of life for 5 s")
    assert len(attempts) == 2  # and no second try of what does not end
    assert set(status.values()) == {("ok", "")}


def test_the_versions_of_every_runtime_are_in_the_environment_and_the_digest(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    def environment(name: str) -> dict[str, dict[str, str]]:
        cli(*SMALL, "--runtime", "eager,toy", "--output", name)
        found: dict[str, dict[str, str]] = json.loads(Path(name, "environment.json").read_text())
        return found

    one = environment("one")
    assert one["software"]["toy"] == "1"
    assert environment("again")["digest"] == one["digest"]
    monkeypatch.setattr(Toy, "number", "2")
    assert environment("other")["digest"] != one["digest"]


def test_runtimes_are_compared_within_each_and_with_the_first(tools: Callable[..., Tools]) -> None:
    run = benchcli.measure("g2", width=8, device="fake", launches=6, runtime=["eager", "toy"], tools=tools())
    families = {name: [each for each in run.records if each.target.runtime == name] for name in ("eager", "toy")}
    assert {each.family.name for each in run.records} == {"g2-x1-eager", "g2-x1-toy"}
    assert len(families["eager"]) == len(families["toy"]) > 2
    for one, other in zip(families["eager"], families["toy"], strict=True):
        assert one.timing
        assert other.timing
        assert one.timing.setting is None
        assert other.timing.setting
        assert other.timing.setting.estimate == pytest.approx(1.0)  # the simulated clock knows the costs alone
    assert "runtimes in processes that alternate" in run.show()
    assert benchcli.load(run.folder).show() != ""


def test_networks_are_counted_once_for_all_runtimes_and_threads(cli: Cli) -> None:
    counted: list[str] = []

    def noting(task: Task, silence_s: float) -> Conversation:
        counted.extend(family.name for family in task.families if task.kind == "survey")
        return (yield from inline(task, silence_s))

    words = ("--runtime", "eager,toy", "--threads", "1,2", "--batch", "1,2")
    rows = rows_of(cli(*SMALL, *words, "--output", "run", launcher=noting))
    assert counted == ["g2-x1-b1-t1-eager", "g2-x1-b2-t1-eager"]
    assert len({row["family"] for row in rows}) == 8
    assert {row["status"] for row in rows} == {"ok"}
    for row in rows:
        batch = int(row["batch"])
        assert int(row["flops"]) == batch * int(rows[0]["flops"]) or row["variant"] != rows[0]["variant"]
        assert row["inputs"].startswith(f"{batch}x")


def test_a_runtime_that_is_missing_is_a_row_where_others_are_compared_and_an_error_alone(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Toy, "requires", {"no_such_package": "no-such-package"})
    alone = cli(*SMALL, "--runtime", "toy", "--output", "alone")
    error = "a runtime of tests is not installed: pip install no-such-package"
    assert (alone.code, alone.err) == (2, f"benchcli: {error}\n")
    rows = rows_of(beside := cli(*SMALL, "--runtime", "eager,toy", "--output", "beside"))
    assert beside.code == 4
    assert {(row["status"], row["error"]) for row in rows if row["runtime"] == "toy"} == {("unsupported", error)}
    assert {row["status"] for row in rows if row["runtime"] == "eager"} == {"ok"}
    assert "toy a runtime of tests, not installed: pip" in " ".join(cli("list", "runtimes").out.split())
    monkeypatch.setattr(Toy, "requires", {"torch": "torch", "no_such_package": "no-such-package"})
    error = "no-such-package, which toy needs, is not installed: pip install no-such-package"
    assert cli(*SMALL, "--runtime", "toy", "--output", "alone").err == f"benchcli: {error}\n"
    every = {"runtime": ("all",), "device": "fake"}
    assert "toy" not in runtimes_of(every)
    monkeypatch.setattr(Toy, "requires", {})
    assert "toy" in runtimes_of(every)
    assert runtimes_of(every)[0] == "eager"
    assert "graph" not in runtimes_of({"runtime": ("all",), "device": "cpu"})


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("toy:wrogn", "unknown option of toy 'wrogn': did you mean wrong?"),
        ("eager:fast", "unknown option of eager 'fast': known: fold, inplace, frozen"),
        ("all:fast", "all takes no option: leave :fast out"),
        ("all,toy", "all stands for every runtime: give it alone"),
        ("toy,toy", "has a value twice"),
        ("tyo", "unknown runtime 'tyo': did you mean toy?"),
    ],
)
def test_names_of_runtimes_are_checked(cli: Cli, name: str, error: str) -> None:
    found = cli(*SMALL, "--runtime", name)
    assert (found.code, error in found.err) == (2, True), found.err


def test_breakdowns_of_a_runtime_that_shows_none_are_refused_beside_others_too(cli: Cli) -> None:
    found = cli(*SMALL, "--runtime", "eager,graph", "--layers")
    assert (found.code, "leave --runtime graph out" in found.err) == (2, True)


@pytest.mark.parametrize(
    ("runtime", "is_traced"), [("eager", True), ("toy", True), ("onnxruntime", True), ("ncnn", False)]
)
def test_claims_are_tested_where_no_breakdown_can_be_had(
    monkeypatch: pytest.MonkeyPatch, runtime: str, is_traced: bool
) -> None:
    traced: list[tuple[str, ...]] = []
    monkeypatch.setattr("benchcli.api.measurement.run_of", lambda suite, measuring, names, **_: traced.append(names))
    monkeypatch.setattr(type(RUNTIMES[runtime]), "requires", {})
    benchcli.claims(runtime=runtime, device="fake")
    assert [bool(names) for names in traced] == [is_traced]


def made(tmp_path: Path, kind: str) -> Path:
    artifact = tmp_path / "made"
    if kind == "file":
        artifact.write_bytes(b"12345")
        return artifact
    (artifact / "weights").mkdir(parents=True)
    (artifact / "graph").write_bytes(b"123")
    (artifact / "weights" / "w").write_bytes(b"45")
    return artifact


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_cache_gives_back_what_it_was_given(tmp_path: Path, kind: str) -> None:
    folder = str(tmp_path / "cache")
    assert fetch(folder, "key", tmp_path / "copy") is None
    keep(folder, "key", made(tmp_path, kind), 1.5)
    kept = fetch(folder, "key", tmp_path / "copy")
    assert kept
    assert (kept.seconds, kept.size, size_of(tmp_path / "copy")) == (1.5, 5, 5)
    assert fetch(folder, "other", tmp_path / "third") is None


@pytest.mark.parametrize("damage", ["content", "facts", "no facts", "no content", "more"])
def test_what_is_damaged_in_the_cache_is_deleted(tmp_path: Path, damage: str) -> None:
    folder = tmp_path / "cache"
    keep(str(folder), "key", made(tmp_path, "folder"), 1.5)
    entry = folder / "key"
    if damage == "content":
        (entry / "artifact" / "graph").write_bytes(b"124")
    elif damage == "facts":
        (entry / "facts.json").write_text('{"seconds": NaN}')
    elif damage == "more":
        (entry / "artifact" / "weights" / "v").write_bytes(b"")
    elif damage == "no facts":
        (entry / "facts.json").unlink()
    else:
        (entry / "artifact" / "graph").unlink()
    assert fetch(str(folder), "key", tmp_path / "copy") is None
    assert not entry.exists()
    assert not (tmp_path / "copy").exists()


def test_the_cache_forgets_what_was_not_used_for_the_longest_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, artifact = tmp_path / "cache", tmp_path / "made"
    artifact.write_bytes(bytes(1000))
    for number in range(3):
        keep(str(folder), f"key{number}", artifact, 1.0)
        os.utime(folder / f"key{number}", (number, number))
    assert fetch(str(folder), "key0", tmp_path / "copy")
    entry = size_of(folder / "key0")
    monkeypatch.setattr(artifact_cache, "MOST_BYTES", 3 * entry + 10)
    keep(str(folder), "key3", artifact, 1.0)
    assert sorted(each.name for each in folder.iterdir()) == ["key0", "key2", "key3"]


def test_a_cache_that_cannot_be_written_only_costs_time(
    tmp_path: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(FOLDER, str(tmp_path / "file" / "cache"))
    assert cli(*SMALL, "--runtime", "toy", "--output", "run").code == 0


def test_a_folder_of_ones_own_an_empty_one_and_the_systems(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FOLDER, "/somewhere")
    assert artifact_cache.cache_folder() == "/somewhere"
    monkeypatch.delenv(FOLDER)
    monkeypatch.setenv("XDG_CACHE_HOME", "/caches")
    assert artifact_cache.cache_folder() == "/caches/benchcli/artifacts"


FAMILY = Family("f", "", 1, "own", 1, "float32", "nchw", ())
VARIANT = Variant("v", "benchcli:network/x", {}, (3, 8, 8), "3")


def key(
    seed: int = 0,
    padding: int = 0,
    size: int = 8,
    family: Family = FAMILY,
    target: Target = Target(runtime="toy"),  # noqa: B008
    payload: str = "",
) -> str:
    torch.manual_seed(seed)
    network = torch.nn.Conv2d(3, 4, 3, padding=padding)
    inputs = Inputs((torch.zeros(1, 3, size, size),))
    return key_of(VARIANT, family, target, runtime_named(target.runtime), network, inputs, payload)


def test_the_key_depends_on_all_that_decides_what_a_file_holds() -> None:
    assert key() == key()
    others = [
        key(seed=1),
        key(padding=1),
        key(size=9),
        key(family=replace(FAMILY, dtype="float16")),
        key(family=replace(FAMILY, layout="nhwc")),
        key(target=Target(runtime="toy", threads=2)),
        key(target=Target(runtime="toy:coarse")),
        key(payload="pickled"),
    ]
    assert len({key(), *others}) == len(others) + 1


def test_an_option_belongs_to_its_runtime() -> None:
    assert runtime_named("toy:coarse").full_name == "toy:coarse"
    assert runtime_named("toy").full_name == "toy"
    with pytest.raises(UserError, match="unknown option of eager 'fast'"):
        runtime_named("eager:fast")


def test_where_nothing_can_be_measured_the_first_reason_is_said(tools: Callable[..., Tools]) -> None:
    with pytest.raises(NothingMeasuredError, match="toy cannot export it: 'the cause of it'"):
        benchcli.measure("g2", width=8, device="fake", launches=2, runtime="toy:fails", tools=tools())
