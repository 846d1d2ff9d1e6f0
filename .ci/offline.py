"""Fail if a page of a built site loads something from elsewhere.  python .ci/offline.py build/site

Links that a reader may follow are fine; scripts, styles, fonts and pictures of other hosts are not.
"""

import re
import sys
from pathlib import Path

LOADED = re.compile(
    r"<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*\b(?:src|data)=[\"']?(?:https?:)?//[^\"'\s>]*"
    r"|<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preload|preconnect|dns-prefetch|icon|prefetch))[^>]*\b"
    r"href=[\"']?(?:https?:)?//[^\"'\s>]*"
    r"|url\([\"']?(?:https?:)?//[^\"')]*"
    r"|@import\s+[\"'](?:https?:)?//[^\"']*",
    re.IGNORECASE,
)
"""A resource of another host, in HTML or CSS."""


def loaded(site: Path) -> list[str]:
    """Return the resources of other hosts that the pages and styles of a site load."""
    files = [path for path in sorted(site.rglob("*")) if path.suffix in {".html", ".css"}]
    return [
        f"{path.relative_to(site)}: {match[0]}"
        for path in files
        for match in LOADED.finditer(path.read_text(encoding="utf-8"))
    ]


if __name__ == "__main__":
    found = loaded(Path(sys.argv[1]))
    for each in found:
        print(each)
    sys.exit(bool(found))
