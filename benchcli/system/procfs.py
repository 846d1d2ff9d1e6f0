"""Read the files in which Linux tells of itself; where there are none, or not for us, they have no lines."""

from pathlib import Path


def lines(path: str | Path) -> list[str]:
    """Return a file's lines, or none where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
