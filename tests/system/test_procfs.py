from pathlib import Path

import pytest

from benchcli.system.procfs import folders, quota_cores, throttled_s


def groups(root: Path, told: str, files: dict[str, str]) -> Path:
    """Lay out what a process sees of its control groups."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(told)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


@pytest.mark.parametrize(
    ("told", "files", "cores"),
    [
        ("0::/\n", {"cpu.max": "200000 100000\n"}, 2.0),
        ("0::/\n", {"cpu.max": "10000 100000\n"}, 0.1),
        ("0::/\n", {"cpu.max": "max 100000\n"}, None),
        ("0::/user/app\n", {"user/app/cpu.max": "max 100000\n", "user/cpu.max": "150000 100000\n"}, 1.5),
        ("0::/seen/only/outside\n", {"cpu.max": "50000 100000\n"}, 0.5),
        ("4:cpu,cpuacct:/app\n", {"cpu,cpuacct/app/cpu.cfs_quota_us": "50000\n",
                                  "cpu,cpuacct/app/cpu.cfs_period_us": "100000\n"}, 0.5),
        ("1:cpu:/\n", {"cpu/cpu.cfs_quota_us": "-1\n", "cpu/cpu.cfs_period_us": "100000\n"}, None),
        ("4:memory:/app\n", {"memory/app/cpu.max": "1 2\n"}, None),
        ("0::/\n", {"cpu.max": "5 0\n"}, None),
        ("nonsense", {}, None),
        ("", {}, None),
    ],
)  # fmt: skip
def test_the_tightest_quota_of_all_groups_counts(
    tmp_path: Path, told: str, files: dict[str, str], cores: float | None
) -> None:
    assert quota_cores(groups(tmp_path, told, files)) == cores


@pytest.mark.parametrize(
    ("told", "files", "seconds"),
    [
        ("0::/app\n", {"app/cpu.stat": "usage_usec 9\nnr_throttled 3\nthrottled_usec 2500000\n"}, 2.5),
        ("1:cpu:/\n", {"cpu/cpu.stat": "nr_periods 0\nthrottled_time 1500000000\n"}, 1.5),
        ("0::/a/b\n", {"a/b/cpu.stat": "throttled_usec 1000000\n", "a/cpu.stat": "throttled_usec 500000\n"}, 1.5),
        ("0::/\n", {"cpu.stat": "throttled_usec what\n"}, None),
        ("0::/\n", {}, None),
    ],
)
def test_all_groups_that_held_tasks_back_count(
    tmp_path: Path, told: str, files: dict[str, str], seconds: float | None
) -> None:
    assert throttled_s(groups(tmp_path, told, files)) == seconds


def test_a_group_that_is_reached_by_two_names_counts_once(tmp_path: Path) -> None:
    root = groups(tmp_path, "1:cpu,cpuacct:/\n", {"cpu,cpuacct/cpu.stat": "throttled_time 1000000000\n"})
    (root / "sys/fs/cgroup/cpu").symlink_to("cpu,cpuacct")
    assert throttled_s(root) == 1.0


def test_without_proc_there_are_no_groups(tmp_path: Path) -> None:
    assert list(folders(tmp_path)) == []
