"""Two versions of somebody's code in one process, and what is said where code is not what it should be."""

import os
import py_compile
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from benchcli.guards import code_versions, read_files
from benchcli.guards.code_versions import SourceError, build, find, imports_while
from benchcli.schema import Source, Variant

NET = """
from torch import nn
from theirnet.parts import BLOCKS

def tower(width=4):
    return nn.Sequential(*(nn.Conv2d(width, width, 1) for _ in range(BLOCKS)))

def nothing():
    return {}

class Lazy(nn.Module):
    def forward(self, inputs):
        from theirnet import parts
        return inputs * parts.BLOCKS
"""


@pytest.fixture(autouse=True)
def no_source_is_left() -> Iterator[None]:
    path = list(sys.path)
    yield
    code_versions.release()
    assert sys.path == path
    assert "theirnet" not in sys.modules


def version(folder: Path, blocks: int, inner: str = "") -> Source:
    package = folder / inner / "theirnet"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "parts.py").write_text(f"BLOCKS = {blocks}\n")
    (package / "net.py").write_text(NET)
    return Source(str(folder), "only")


def tower(source: Source) -> Variant:
    return Variant("v", "theirnet.net:tower", {"width": 2}, (2, 4, 4), "2", source)


def test_each_version_is_built_of_its_own_code(tmp_path: Path) -> None:
    one, two = version(tmp_path / "one", 3), version(tmp_path / "two", 5)
    built = [len(list(build(tower(source)).children())) for source in (one, two, one, two)]
    assert built == [3, 5, 3, 5]


def test_packages_may_lie_in_src(tmp_path: Path) -> None:
    assert len(list(build(tower(version(tmp_path, 2, "src"))).children())) == 2


def test_a_version_that_comes_back_has_its_own_modules(tmp_path: Path) -> None:
    one, two = version(tmp_path / "one", 3), version(tmp_path / "two", 5)
    first = find("theirnet.net:tower", one)
    find("theirnet.net:tower", two)
    assert find("theirnet.net:tower", one) is first


def test_code_that_is_imported_while_it_runs_is_noticed(tmp_path: Path) -> None:
    source = version(tmp_path, 3)
    lazy, eager = find("theirnet.net:Lazy", source)(), build(tower(source))
    assert imports_while(lambda: lazy(torch.ones(1)), source) == ["theirnet"]
    assert imports_while(lambda: eager(torch.ones(1, 2, 4, 4)), source) == []


def test_installed_code_is_no_version(tmp_path: Path) -> None:
    version(tmp_path, 1)
    with pytest.raises(SourceError, match=r"json is not in .*, but installed .*the same code for base and head"):
        find("json:loads", Source(str(tmp_path), "only"))
    assert callable(find("json:loads", Source(str(tmp_path), "first")))


@pytest.mark.parametrize("place", ["first", "last"])
def test_what_is_installed_comes_after_or_before(tmp_path: Path, place: str) -> None:
    (tmp_path / "wave.py").write_text("def open(): return 'theirs'")
    kept = sys.modules.pop("wave", None)
    found = find("wave:open", Source(str(tmp_path), place))  # type: ignore[arg-type]
    assert (found.__module__ == "wave" and "theirs" in (found.__code__.co_consts)) == (place == "first")
    code_versions.release()
    sys.modules.pop("wave", None)
    if kept:
        sys.modules["wave"] = kept


@pytest.mark.parametrize(
    ("builder", "text"),
    [
        ("theirnett.net:tower", "^no module theirnett in .*, and none is installed: did you mean theirnet\\?$"),
        ("theirnet.net:towr", "unknown callable 'towr': did you mean tower?"),
    ],
)
def test_what_is_not_there_is_named(tmp_path: Path, builder: str, text: str) -> None:
    with pytest.raises(SourceError, match=text):
        find(builder, version(tmp_path, 1))


def test_a_callable_that_makes_no_module_is_refused(tmp_path: Path) -> None:
    variant = Variant("v", "theirnet.net:nothing", {}, (1,), "1", version(tmp_path, 1))
    with pytest.raises(SourceError, match=r"returned dict, not a torch\.nn\.Module"):
        build(variant)


def test_code_from_the_working_tree_is_not_an_older_version(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree, folder = tmp_path / "tree", tmp_path / "base"
    (tree / "libs").mkdir(parents=True)
    (tree / "libs" / "helper.py").write_text("K = 5\n")
    folder.mkdir()
    (folder / "theirs.py").write_text("import helper\ndef tower(): return None\n")
    monkeypatch.syspath_prepend(tree / "libs")
    with pytest.raises(SourceError, match=r"helper is imported from .*, which belongs to the other version"):
        find("theirs:tower", Source(str(folder), "only", (str(tree),)))
    sys.modules.pop("helper")


def test_a_link_out_of_a_version_is_seen_through(tmp_path: Path) -> None:
    version(tmp_path / "tree", 3)
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "theirnet").symlink_to(tmp_path / "tree" / "theirnet")
    with pytest.raises(SourceError, match="is not in"):
        find("theirnet.net:tower", Source(str(tmp_path / "base"), "only", (str(tmp_path / "tree"),)))


def test_a_version_that_reads_files_reads_its_own(tmp_path: Path) -> None:
    here = Path.cwd()
    for name in ("one", "two"):
        version(tmp_path / name, 1)
        (tmp_path / name / "width.txt").write_text("3" if name == "one" else "5")
        (tmp_path / name / "reading.py").write_text(
            "from pathlib import Path\ndef width(): return int(Path('width.txt').read_text())\n"
        )
    found = [find("reading:width", Source(str(tmp_path / name), "only"))() for name in ("one", "two")]
    assert found == [3, 5]
    code_versions.release()
    assert Path.cwd() == here


def test_hidden_versions_cannot_be_imported(tmp_path: Path) -> None:
    lazy = find("theirnet.net:Lazy", version(tmp_path, 3))()
    code_versions.hide()
    with pytest.raises(ModuleNotFoundError):
        lazy(torch.ones(1))


def test_what_a_version_adds_to_the_path_is_not_found_by_the_other(tmp_path: Path) -> None:
    for name, width in (("base", 3), ("head", 5)):
        (tmp_path / name / "lib").mkdir(parents=True)
        (tmp_path / name / "lib" / "helper.py").write_text(f"WIDTH = {width}\n")
        (tmp_path / name / "netz.py").write_text(
            "import os, sys\nsys.path.append(os.path.join(os.path.dirname(__file__), 'lib'))\n"
            "import helper\ndef width(): return helper.WIDTH\n"
        )
    sources = [Source(str(tmp_path / name), "only") for name in ("base", "head")]
    with code_versions.released():
        assert [find("netz:width", source)() for source in sources] == [3, 5]
        assert [find("netz:width", source)() for source in sources] == [3, 5]
    assert not [entry for entry in sys.path if str(tmp_path) in entry]


@pytest.mark.parametrize(
    "code",
    [
        "import pathlib\nexec(pathlib.Path({other!r}).read_text())\n",
        "import sys\nsys.path.insert(0, {folder!r})\nfrom other import net\n",
        "import importlib.util\nspec = importlib.util.spec_from_file_location('o', {other!r})\n"
        "module = importlib.util.module_from_spec(spec)\nspec.loader.exec_module(module)\nnet = module.net\n",
    ],
    ids=["exec", "path", "spec"],
)
def test_code_of_the_other_version_is_refused(tmp_path: Path, code: str) -> None:
    other = tmp_path / "head" / "other.py"
    other.parent.mkdir()
    other.write_text("from torch import nn\ndef net(): return nn.ReLU()\n")
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "mine.py").write_text(code.format(other=str(other), folder=str(other.parent)))
    source = Source(str(tmp_path / "base"), "only", (str(tmp_path / "head"),))
    variant = Variant("v", "mine:net", {}, (3, 8, 8), "3", source)
    with read_files.noting(), code_versions.released(), pytest.raises(SourceError, match="belongs to the other"):
        code_versions.build(variant)
    sys.modules.pop("other", None)  # of the tree, and not of the version that is released


def compiled_before_it_changed(module: Path) -> None:
    """Write and compile a module, and then change it without changing its time and size."""
    module.write_text("def width(): return 3\n")
    stamp = module.stat()
    py_compile.compile(str(module))
    module.write_text("def width(): return 5\n")
    os.utime(module, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))


def test_a_compiled_file_of_equal_time_and_size_is_not_used(tmp_path: Path) -> None:
    compiled_before_it_changed(tmp_path / "stale.py")
    with code_versions.released():
        assert find("stale:width", Source(str(tmp_path), "only"))() == 5


def test_a_package_installed_inside_a_version_is_not_compiled_again(tmp_path: Path) -> None:
    installed = tmp_path / "env" / "site-packages"
    installed.mkdir(parents=True)
    compiled_before_it_changed(installed / "library_of_many_files.py")
    (tmp_path / "uses.py").write_text(
        "import sys\nsys.path.append('env/site-packages')\nfrom library_of_many_files import width\n"
    )
    with code_versions.released():
        assert find("uses:width", Source(str(tmp_path), "only"))() == 3
