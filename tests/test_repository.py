"""The files around the code: metadata that agree, dependencies that are declared, workflows that can be read."""

import ast
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from benchcli import __version__

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OPTIONAL = {
    *("dask", "distributed", "duckdb", "executorch", "ncnn", "nncf", "onnx", "onnxruntime", "openvino"),
    *("pynvml", "pytorchcv", "timm", "torchao", "torchvision", "vl_convert"),
}
"""Imported only where a user has installed them; most are extras."""
FOLDERS = {".ci", ".github", "benchcli", "benchmarks", "docs", "results", "suites", "tests"}


def loaded(name: str) -> Any:
    yaml = pytest.importorskip("yaml")  # fvcore brings it
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def names(requirements: list[str]) -> set[str]:
    """Return the names of packages, as pip compares them."""
    return {re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement)[0]).lower() for requirement in requirements}


def test_what_is_imported_is_declared() -> None:
    imported = set()
    for path in (ROOT / "benchcli").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    third_party = imported - set(sys.stdlib_module_names) - {"benchcli"}
    assert third_party - OPTIONAL == names(PROJECT["dependencies"])


def test_the_lowest_versions_are_those_of_pyproject(capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(ROOT / ".ci" / "lowest.py"), run_name="__main__")
    requirements = [*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["test"]]
    assert capsys.readouterr().out.split() == [requirement.replace(">=", "==") for requirement in requirements]


def test_constraints_pin_what_the_project_and_its_tests_need() -> None:
    first, *pins = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert first.startswith("#")
    assert all(re.fullmatch(r"[\w.-]+==[\w.]+", pin) for pin in pins)
    extras = PROJECT["optional-dependencies"]
    of_runtimes = [*extras["int8"], *extras["ncnn"], *extras["onnxruntime"], *extras["openvino"]]
    needed = names([*PROJECT["dependencies"], *extras["test"], *extras["dev"], *extras["docs"], *of_runtimes]) - {
        "benchcli"
    }
    assert needed <= names(pins)


def test_the_changelog_has_this_version() -> None:
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == "Unreleased"
    assert __version__ in headings


def test_the_citation_is_of_this_version_and_names_the_papers() -> None:
    citation = loaded("CITATION.cff")
    assert (citation["cff-version"], citation["title"]) == ("1.2.0", PROJECT["name"])
    assert (citation["version"], citation["license"]) == (__version__, PROJECT["license"])
    assert all(citation[key] for key in ("message", "authors"))
    papers = {paper["identifiers"][0]["value"]: paper for paper in citation["references"]}
    assert set(papers) == {"arXiv:1807.11164", "arXiv:1707.01083"}
    assert all(paper[key] for paper in papers.values() for key in ("type", "title", "authors", "year"))


def test_no_run_lies_where_it_was_left() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if tracked.returncode:
        pytest.skip("this copy is no git repository")
    assert {path.partition("/")[0] for path in tracked.stdout.splitlines() if "/" in path} == FOLDERS


def test_workflows_call_only_what_make_has() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    workflow = loaded(".github/workflows/ci.yml")
    assert set(workflow) == {"name", True, "permissions", "concurrency", "jobs"}  # YAML 1.1 reads `on` as true
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    assert all(("run" in step) != ("uses" in step) for step in steps)
    targets = re.findall(r"^make (\S+)", "\n".join(step.get("run", "") for step in steps), re.MULTILINE)
    assert targets
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_every_supported_python_is_tested() -> None:
    supported = [line.rpartition(" ")[2] for line in PROJECT["classifiers"] if " :: 3." in line]
    for job in ("test", "wheel"):
        assert loaded(".github/workflows/ci.yml")["jobs"][job]["strategy"]["matrix"]["python"] == supported


def test_a_page_that_loads_something_from_elsewhere_is_found(tmp_path: Path) -> None:
    loaded = runpy.run_path(str(ROOT / ".ci" / "offline.py"))["loaded"]
    page = tmp_path / "page.html"
    page.write_text(
        '<a href="https://arxiv.org">paper</a><script src="own.js"></script><link rel="canonical" href="//x">'
    )
    assert loaded(tmp_path) == []
    page.write_text('<script defer src="https://elsewhere/x.js"></script><link href="//fonts/f.css" rel="stylesheet">')
    (tmp_path / "style.css").write_text("a { background: url('https://elsewhere/a.png') }")
    assert [name.partition(":")[0] for name in loaded(tmp_path)] == ["page.html", "page.html", "style.css"]
