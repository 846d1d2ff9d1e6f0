"""Print the lowest versions that pyproject.toml admits, as constraints for pip: `make test-lowest` installs them."""

import re
import tomllib
from pathlib import Path

PYPROJECT = Path(__file__).parent.parent / "pyproject.toml"


def pins() -> list[str]:
    """Return a pin for each dependency that users need and for each that the tests need."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    found = []
    for requirement in [*project["dependencies"], *project["optional-dependencies"]["test"]]:
        match = re.fullmatch(r"([\w.-]+)>=([\w.]+)", requirement)
        if not match:
            raise SystemExit(f"{requirement}: write NAME>=VERSION, so that the lowest version is known")
        found.append(f"{match[1]}=={match[2]}")
    return found


if __name__ == "__main__":
    print("\n".join(pins()))
