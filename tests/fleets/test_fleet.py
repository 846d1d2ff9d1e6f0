"""A fleet without an engine: what hosts send, what is written of it, and what is refused."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import benchcli
from benchcli import files
from benchcli.errors import UserError
from benchcli.fleets import dask_engine, scheduler_address, started_workers
from benchcli.fleets.fleet_folder import FLEET, FleetFolder, asked_in
from benchcli.fleets.job import FILES, JobEnded, Piece, Sender, State, hashes_of, read, safe_name, written
from benchcli.schema.structure import StructureError
from tests.conftest import Outcome

Cli = Callable[..., Outcome]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[FleetFolder]:
    made = FleetFolder.create(tmp_path / "fleet", "quick", "", ("--launches", "1"))
    made.hand_out(["one", "two"], are_labels=False)
    yield made
    made.close()


@pytest.mark.parametrize(
    "event",
    [Piece("samples.csv", 7, b"a,b\n"), State("measuring"), JobEnded(0, "", {"samples.csv": "ab"}, True, "host")],
)
def test_an_event_is_plain_data_and_comes_back_as_it_was(event: Piece | State | JobEnded) -> None:
    assert read(written(event)) == event


@pytest.mark.parametrize(
    "data",
    [
        None,
        {"kind": "piece", "file": "../../.bashrc", "at": 0, "content": b"x"},
        {"kind": "piece", "file": ".lock", "at": 0, "content": b"x"},
        {"kind": "piece", "file": "samples.csv", "at": -1, "content": b"x"},
        {"kind": "piece", "file": "samples.csv", "at": files.MOST_BYTES, "content": b"x"},
        {"kind": "piece", "file": "samples.csv", "at": 0, "content": "text"},
        {"kind": "ended", "code": "0", "reason": "", "hashes": {}},
        {"kind": "other"},
    ],
)
def test_what_is_no_event_of_a_job_is_not_heard(data: object) -> None:
    with pytest.raises(StructureError):
        read(data)


def test_what_is_new_is_sent_once_and_what_was_replaced_is_sent_anew(folder: FleetFolder, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    sender = Sender(run, {})

    def send() -> int:
        pieces = list(sender.new())
        for piece in pieces:
            folder.take("one", piece)
        return sum(len(piece.content) for piece in pieces)

    (run / "samples.csv").write_text("header\n")
    assert send() == len("header\n")
    with (run / "samples.csv").open("a") as stream:
        stream.write("row\n")
    assert send() == len("row\n")
    assert send() == 0
    files.replace(run / "samples.csv", "header\nother\n")
    assert send() == len("header\nother\n")
    assert hashes_of(folder.run_of("one")) == hashes_of(run)
    assert not list(Sender(run, hashes_of(folder.run_of("one"))).new())


def test_a_piece_that_was_lost_is_missed_at_the_end(folder: FleetFolder) -> None:
    folder.take("one", Piece("samples.csv", 0, b"header\n"))
    folder.take("one", Piece("samples.csv", 11, b"second\n"))
    assert (folder.run_of("one") / "samples.csv").read_bytes() == b"header\n"
    assert not folder.end("one", JobEnded(0, "", {"samples.csv": "of all"}, True))
    assert folder.left == ("one", "two")
    assert folder.end("one", JobEnded(0, "", hashes_of(folder.run_of("one")), True))
    assert list(folder.left) == ["two"]
    assert folder.job("two", 1.0).has == {}


def test_a_folder_of_a_fleet_is_opened_again_by_the_same_request(folder: FleetFolder) -> None:
    folder.end("one", JobEnded(0, "", {}, True))
    with pytest.raises(UserError, match="is being written"):
        FleetFolder.reopen(folder.path)
    folder.close()
    again = FleetFolder.reopen(folder.path)
    again.close()
    assert again.asked == folder.asked
    again.refuse_other("quick", "", ("--launches", "1"))
    with pytest.raises(UserError, match="was begun with quick --launches 1: give the same"):
        again.refuse_other("quick", "", ("--launches", "2"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "is of schema None"),
        ('{"schema": 99}', "is of schema 99"),
        ("{", "is damaged"),
        ('{"schema": 1}', "lacks"),
    ],
)
def test_a_damaged_folder_of_a_fleet_is_named(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / FLEET).write_text(text)
    with pytest.raises(UserError, match=said):
        asked_in(tmp_path)


def test_a_fleet_needs_a_folder_of_its_own(folder: FleetFolder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"holds fleet.json: give an --output that is empty, or --resume"):
        FleetFolder.create(folder.path, "quick", "", ())
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    with pytest.raises(UserError, match=r"holds notes.txt"):
        FleetFolder.create(tmp_path / "other", "quick", "", ())


def test_two_hosts_of_one_folder_are_refused(folder: FleetFolder) -> None:
    with pytest.raises(UserError, match="'a/b' and 'a-b' have one folder"):
        folder.hand_out(["a/b", "a-b"], are_labels=False)


@pytest.mark.parametrize(("name", "safe"), [("../x", "-x"), ("gpu=h100", "gpu=h100"), ("..", "-"), ("a b", "a-b")])
def test_a_name_stays_in_its_folder(name: str, safe: str) -> None:
    assert safe_name(name) == safe


@pytest.mark.keeps("sys.meta_path")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing says who measures: give one of --scheduler"),
        (("--local", "2", "--scheduler", "x:1"), "--scheduler and --local say who measures"),
        (("--local", "2", "--on", "gpu"), "workers of this machine have no labels: leave --on out"),
        (("--scheduler", "http://x"), "'http://x' is no address of a scheduler"),
        (("--scheduler", "tcp://[::1]:8786"), "by name or IPv4 address"),
        (("--scheduler", "tcp://[::1"), "is no address"),
        (("--scheduler", "a..b:1"), "is no address"),
        (("--scheduler", "x:0"), "is no address"),
        (("--scheduler", "tcp://x:9/path"), "is no address"),
        (("--local", "2", "--resume", "a"), "--output and --resume cannot be used together"),
        (("--scheduler", "tls://127.0.0.1:1"), "asks for TLS: give --tls"),
        (("--local", "2", "--channels", "all"), "unknown set of channels 'all'"),
        (("--local", "0"), "0"),
    ],
)
def test_a_request_that_is_not_clear_is_refused(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], said: str
) -> None:
    pytest.importorskip("distributed", reason="pip install '.[fleet]' brings the engine")
    monkeypatch.chdir(tmp_path)
    outcome = cli("fleet", "run", "quick", "--output", "fleet", *arguments)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1


@pytest.mark.parametrize("name", ["", " ", "x" * 101, "fleet.json", "Fleet.JSON"])
def test_a_name_of_which_no_folder_can_be_is_refused(folder: FleetFolder, name: str) -> None:
    with pytest.raises(UserError, match="is no name of a host or a label"):
        folder.hand_out([name], are_labels=False)


def test_a_run_that_was_lost_here_is_asked_for_again(folder: FleetFolder) -> None:
    folder.take("one", Piece("samples.csv", 0, b"header\n"))
    folder.end("one", JobEnded(0, "", hashes_of(folder.run_of("one")), True))
    folder.close()
    (folder.run_of("one") / "samples.csv").unlink()
    again = FleetFolder.reopen(folder.path)
    again.close()
    assert list(again.left) == ["one", "two"]


@pytest.mark.keeps("sys.meta_path")
def test_certificates_that_are_none_are_named(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="pip install '.[fleet]' brings the engine")
    for name in scheduler_address.CERTIFICATES:
        (tmp_path / name).touch()
    with pytest.raises(UserError, match=r"the files of .* are no certificates and key"):
        scheduler_address.security_of(tmp_path, "tls://127.0.0.1:1")


@pytest.mark.parametrize("suite", [None, 3, {"a": 1}])
def test_a_suite_is_a_text(suite: object) -> None:
    with pytest.raises(UserError, match="a suite must be"):
        benchcli.fleet(suite, local=1)  # type: ignore[arg-type]


def test_what_is_called_with_the_state_of_hosts_is_a_function() -> None:
    with pytest.raises(UserError, match="give a function, not 3"):
        benchcli.fleet("quick", local=1, observe=3)  # type: ignore[arg-type]


@pytest.mark.keeps("sys.meta_path")
def test_a_scheduler_listens_where_it_is_told_alone(cli: Cli) -> None:
    pytest.importorskip("distributed", reason="pip install '.[fleet]' brings the engine")
    outcome = cli("fleet", "scheduler", "--listen", "")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "'' is no address of this machine" in outcome.err


def test_a_suite_that_is_not_there_is_refused_before_anything_starts(cli: Cli) -> None:
    outcome = cli("fleet", "run", "nothing", "--local", "1")
    assert (outcome.code, outcome.err.count("\n")) == (2, 1)
    assert "nothing" in outcome.err


def test_hosts_for_ssh_have_a_name_a_python_and_labels(tmp_path: Path) -> None:
    file = tmp_path / "hosts"
    file.write_text("# ours\n\nnode-1 python=/opt/python gpu=h100  # fast\nme@node-2\n")
    first, second = started_workers.ssh_lines(file)
    assert (
        first.words("tcp://a:1", None)[-10:]
        == [
            *(
                "/opt/python",
                "-m",
                "benchcli",
                "fleet",
                "worker",
                "tcp://a:1",
                "--name",
                "node-1",
                "--label",
                "gpu=h100",
            ),
            "--end-with-stdin",
        ][-10:]
    )
    assert first.words("tcp://a:1", None)[0] == "ssh"
    assert (second.name, second.labels, second.python) == ("me@node-2", (), "python3")
    assert second.words("tls://a:1", Path("/keys"))[-3:] == ["--tls", "/keys", "--end-with-stdin"]


def test_the_name_behind_an_alias_of_ssh_is_that_which_ssh_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ssh = tmp_path / "ssh"
    ssh.write_text('#!/bin/sh\n[ "$2" = alias ] && echo "hostname 10.0.0.7"\n')
    ssh.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert started_workers.real_name("alias") == "10.0.0.7"
    assert started_workers.real_name("me@node") == "node"


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "names no host"), ("a\na\n", "names a host twice"), ("-oProxyCommand=x\n", "is no name of a host")],
)
def test_a_file_of_hosts_that_is_wrong_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "hosts").write_text(text)
    with pytest.raises(UserError, match=said):
        started_workers.ssh_lines(tmp_path / "hosts")


def test_the_script_for_slurm_takes_a_node_alone(cli: Cli) -> None:
    outcome = cli("fleet", "sbatch", "tls://10.0.0.1", "--label", "gpu=h 100", "--tls", "/keys")
    assert outcome.code == 0
    first, *_, last = outcome.out.splitlines()
    assert first == "#!/bin/sh"
    assert {"#SBATCH --exclusive", "#SBATCH --nodes=1"} < set(outcome.out.splitlines())
    assert last.endswith("-m benchcli fleet worker tls://10.0.0.1:8786 --label 'gpu=h 100' --tls /keys")


def test_without_the_engine_a_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(UserError, match="pip install distributed"), dask_engine.imported():
        pass


def test_what_a_host_sends_are_the_files_of_a_run() -> None:
    assert {"environment.json", "measurements.csv", "samples.csv"} <= set(FILES)
    assert ".lock" not in FILES


def test_the_api_names_its_settings_as_python_does(tmp_path: Path) -> None:
    from benchcli.spelling import messages_for

    with messages_for("Python"), pytest.raises(UserError, match="give one of scheduler"):
        benchcli.fleet("quick", output=tmp_path / "fleet")
    assert not (tmp_path / "fleet").exists()
    json.dumps(written(State("x")))
