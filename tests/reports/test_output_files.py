"""What -o, --write, --report and the API's writers replace: what benchcli wrote, and nothing else without --force."""

import shutil
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import benchcli
from benchcli.api import keywords
from benchcli.api.recorded import together
from benchcli.api.result import Result
from benchcli.api.this_machine import Peaks
from benchcli.errors import UserError
from benchcli.formatting import MARK
from benchcli.reports import drawing, output_files
from benchcli.reports.formats.base import FORMATS
from benchcli.runs import own_files
from benchcli.settings import COST_ROWS
from benchcli.workers.tools import Tools
from tests.analysis.test_roofline import ROOFS
from tests.cli.test_check import SUITE, version
from tests.conftest import Outcome
from tests.test_files import linked, piped

Cli = Callable[..., Outcome]
REFERENCE = Path(__file__).parents[2] / "results" / "reference"
G2 = str(REFERENCE / "g2-epyc")
CLAIMS = str(REFERENCE / "claims-epyc")
MINE = {
    "Makefile": "all:\n\ttrue\n",
    "Dockerfile": "FROM scratch\n",
    ".env": "KEY=value\n",
    "id_rsa": "-----BEGIN OPENSSH PRIVATE KEY-----\n",
    "code.py": "print()\n",
    "model.safetensors": "\0\0\0\0",
    "data.csv": "name,value\na,1\n",
    "networks.csv": "network,parameters\na,1\n",
    "data.json": '{"a": 1}\n',
    "list.json": '{"networks": ["a"]}\n',
    "facts.json": '{"environment": {"PATH": "/bin"}}\n',
    "machine.json": '{"machine": {"lanes": 8}}\n',
    "fleet.json": '{"fleet": "a", "suite": "ci"}\n',
    "quoting.json": '{"text": "' + " " * 5000 + '", "usermeta": {"generator": "benchcli"}}\n',
    "page.html": "<!doctype html>\n<html lang=en>\n<head>\n<title>mine</title>\n",
    "about.html": "<!doctype html>\n<title>Why benchcli: notes</title>\n",
    "README.md": "# benchcli\n",
    "tests.xml": "<?xml version='1.0' encoding='utf-8'?>\n<testsuites>\n  <testsuite name=\"pytest\">\n",
    "notes.txt": "benchcli\n",
    "empty": "",
    "drawing.svg": '<svg xmlns="http://www.w3.org/2000/svg" class="marks"><g/></svg>',
    "photo.png": "\x89PNG",
    "paper.pdf": "%PDF-1.7\n%benchcli\n\n%%EOF",
    "chart.json": '{"$schema": "https://vega.github.io/schema/vega-lite/v6.json"}\n',
}
"""Files that are a user's own, some of them almost as benchcli's begin."""
WRITERS: dict[str, Callable[[Cli, str, bool], Outcome]] = {
    "report": lambda cli, file, force: cli("report", G2, "-o", file, *forced(force)),
    "--report": lambda cli, file, force: cli("claims", CLAIMS, "--report", file, *forced(force)),
    "--report of a check": lambda cli, file, force: checking(cli, "--report", file, *forced(force)),
    **{
        f"--write {each.name}": lambda cli, file, force, name=each.name: checking(  # type: ignore[misc]
            cli, "--write", f"{name}={file}", *forced(force)
        )
        for each in FORMATS
    },
    "Result.report": lambda _cli, file, force: called(lambda: recorded().report(file, force=force)),
    "Result.write": lambda _cli, file, force: called(lambda: recorded().write("csv", file, force=force)),
    "benchcli.report": lambda _cli, file, force: called(lambda: benchcli.report(G2, path=file, force=force)),
}


def forced(force: bool) -> tuple[str, ...]:
    return ("--force",) if force else ()


def recorded() -> Result:
    loaded = benchcli.load(G2)
    assert isinstance(loaded, Result)
    return loaded


def checking(cli: Cli, *arguments: str) -> Outcome:
    if not Path("ours.toml").exists():
        Path("ours.toml").write_text(SUITE)
        version("old")
        version("new")
    shutil.rmtree("out", ignore_errors=True)
    folders = ("--base", "old", "--head", "new", "--device", "fake", "--costs-only", "--output", "out")
    return cli("check", "ours.toml", *folders, *arguments)


def called(call: Callable[[], object]) -> Outcome:
    try:
        call()
    except UserError as error:
        return Outcome(2, "", f"benchcli: {error}\n")
    return Outcome(0, "", "")


@pytest.mark.parametrize("writer", WRITERS)
def test_a_users_own_files_are_replaced_only_by_force(cli: Cli, writer: str) -> None:
    write = WRITERS[writer]
    for name, text in MINE.items():
        Path(name).write_text(text)
        found = write(cli, name, False)
        assert (found.code, len(found.err.splitlines())) == (2, 1), (name, found.err)
        assert "benchcli did not write it: name another file, or add --force" in found.err
        assert Path(name).read_text() == text
    assert write(cli, "Makefile", True).code == 0
    assert Path("Makefile").read_text() != MINE["Makefile"]


@pytest.mark.parametrize("writer", WRITERS)
def test_what_benchcli_wrote_is_replaced(cli: Cli, writer: str) -> None:
    write = WRITERS[writer]
    Path("file").write_text(MARK)  # in another format
    assert write(cli, "file", False).code == 0
    first = Path("file").read_text()
    assert first != MARK
    assert write(cli, "file", False).code == 0


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("kind", ["a link", "a link to what benchcli wrote", "a link to nothing", "a pipe", "a folder"])
@pytest.mark.parametrize("writer", WRITERS)
def test_links_pipes_and_folders_are_neither_followed_nor_replaced(
    cli: Cli, writer: str, kind: str, force: bool
) -> None:
    Path("victim").write_text("mine")
    Path("page.html").write_text(MARK)
    targets = {"a link": "victim", "a link to what benchcli wrote": "page.html", "a link to nothing": "absent"}
    if kind in targets:
        linked(Path("l.html"), targets[kind])
    elif kind == "a pipe":
        piped(Path("l.html"))
    else:
        Path("l.html").mkdir()
    mode = Path("l.html").lstat().st_mode
    found = WRITERS[writer](cli, "l.html", force)
    assert (found.code, len(found.err.splitlines())) == (2, 1), found.err
    assert "l.html is" in found.err
    assert Path("l.html").lstat().st_mode == mode
    assert (Path("victim").read_text(), Path("page.html").read_text()) == ("mine", MARK)
    assert not Path("absent").exists()
    assert not list(Path().glob("*.part"))


def results() -> Iterator[tuple[str, Callable[[], Result]]]:
    networks = str(REFERENCE / "networks-epyc")
    yield "run", recorded
    yield "run of networks", lambda: together(networks)
    yield "claims", lambda: together(CLAIMS)
    yield "comparison", lambda: benchcli.compare(G2, G2)
    yield "several runs", lambda: together(G2, G2, G2)
    for by in COST_ROWS:
        yield f"costs by {by}", lambda by=by: benchcli.costs("shufflenet-v2-0.5x", by=by)  # type: ignore[misc]
    yield "device", lambda: benchcli.device(device="fake", quick=True)
    yield "peaks", lambda: Peaks(ROOFS)


@pytest.mark.parametrize("result", dict(results()))
def test_every_result_is_known_again_in_every_format(
    result: str, tools: Callable[..., Tools], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keywords, "Tools", tools)
    made: Result = dict(results())[result]()
    for each in FORMATS:
        if not each.for_checks:
            made.write(each.name, each.name)
            made.write(each.name, each.name)


def test_a_check_and_a_self_test_are_known_again_too(cli: Cli) -> None:
    assert checking(cli).code == 0
    done = benchcli.load("out")
    assert isinstance(done, Result)
    for each in FORMATS:
        done.write(each.name, f"check.{each.name}")
        done.write(each.name, f"check.{each.name}")
        assert own_files.is_own(Path(f"check.{each.name}"))


@pytest.mark.parametrize(
    "text", ['{"networks": [{"network": "mine", "width": 3}]}', '{"comparisons": [{"name": "mine", "of": 2}]}']
)
def test_a_users_json_is_not_taken_for_benchclis(text: str, tmp_path: Path) -> None:
    (tmp_path / "mine.json").write_text(text)
    assert not own_files.is_own(tmp_path / "mine.json")


def test_a_file_may_not_change_hands_during_a_run(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked at again when it is replaced, which may be minutes after the start."""
    writable = output_files.writable

    def then_changed(value: object, force: bool = False) -> Path:
        path = writable(value, force)
        Path("report.html").write_text("mine")
        return path

    monkeypatch.setattr("benchcli.cli.output.writable", then_changed)
    found = checking(cli, "--report", "report.html")
    assert (found.code, "benchcli did not write it" in found.err) == (2, True)
    assert Path("report.html").read_text() == "mine"


@pytest.mark.keeps("open files", "threads")  # vl_convert has a runtime of its own
@pytest.mark.parametrize("suffix", drawing.DRAWN)
def test_a_picture_is_known_again(cli: Cli, suffix: str) -> None:
    pytest.importorskip("vl_convert", reason="pip install vl-convert-python draws pictures")
    draw = ("plot", G2, "--kind", "axis", "-o", f"chart{suffix}")
    assert [cli(*draw).code for _ in range(2)] == [0, 0]
    picture = Path(f"chart{suffix}").read_bytes()
    assert b"benchcli" in picture
    assert own_files.is_own(Path(f"chart{suffix}"))
    Path(f"chart{suffix}").write_bytes(picture.replace(b"benchcli", b"anything"))
    refused = cli(*draw)
    assert (refused.code, "benchcli did not write it" in refused.err) == (2, True)
    assert cli(*draw, "--force").code == 0
    Path(f"link{suffix}").symlink_to(f"chart{suffix}")
    for call in (
        lambda: benchcli.plot(G2, kind="axis", path=f"link{suffix}", force=True),
        lambda: recorded().plot("axis", f"link{suffix}", force=True),
    ):
        assert "is a link" in called(call).err
    Path(f"link{suffix}").unlink()
    recorded().plot("axis", f"chart{suffix}")


@pytest.mark.keeps("open files", "threads")  # vl_convert has a runtime of its own
def test_the_mark_of_a_picture_is_valid(cli: Cli) -> None:
    pytest.importorskip("vl_convert", reason="pip install vl-convert-python draws pictures")
    from xml.etree import ElementTree

    for suffix in (".svg", ".png", ".pdf"):
        assert cli("plot", G2, "--kind", "axis", "-o", f"chart{suffix}").code == 0
    first = next(iter(ElementTree.parse("chart.svg").getroot()))
    assert (first.tag, first.text) == ("{http://www.w3.org/2000/svg}metadata", "benchcli")
    assert chunks(Path("chart.png").read_bytes())[1] == (b"tEXt", b"Software\0benchcli")
    end = Path("chart.pdf").read_bytes().rsplit(b"startxref\n", 1)[1]
    place, mark, *_ = end.split(b"\n")
    assert Path("chart.pdf").read_bytes()[int(place) :].startswith(b"xref")
    assert mark == b"%%EOF"


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """Return the kinds and contents of a PNG's chunks, whose checksums are right."""
    found, place = [], 8
    while place < len(png):
        (length,) = struct.unpack_from(">I", png, place)
        kind_and_data = png[place + 4 : place + 8 + length]
        assert struct.unpack_from(">I", png, place + 8 + length) == (zlib.crc32(kind_and_data),)
        found.append((kind_and_data[:4], kind_and_data[4:]))
        place += 12 + length
    return found
