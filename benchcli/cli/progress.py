"""Progress on stderr: what is done, and how long it may still take; nothing where stderr is no terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from benchcli.measure.engine import Observer, Progress

REFRESHES_A_SECOND = 2
"""Few: what draws runs beside what is timed."""


@contextmanager
def progress() -> Iterator[Observer]:
    """Yield what is to be told of each step."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _progress: None
        return
    from rich.progress import BarColumn, TextColumn
    from rich.progress import Progress as Bar

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("at most {task.fields[left]} s left"))
    with Bar(*columns, console=console, transient=True, refresh_per_second=REFRESHES_A_SECOND) as bar:
        task = bar.add_task("starting", total=None, left="?")

        def observe(now: Progress) -> None:
            left = f"{max(0.0, now.most_s - now.spent_s):.0f}"
            bar.update(task, description=now.doing, completed=now.spent_s, total=now.most_s, left=left)

        yield observe
