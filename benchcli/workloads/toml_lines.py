"""Find the line of a key in TOML text: the parser forgets lines, and an error should name one."""

import re


def line_of(text: str, key: str, table_index: int | None = None, table: str = "family") -> int | None:
    """Return the 1-based line of `key`, in the nth `[[table]]` where an index is given.

    Falls back to the table's header, and to None where neither stands in the text. It reads lines, not TOML:
    a key written inside a multi-line text could be taken for the key, which costs no more than a line number.
    """
    lines = list(enumerate(text.splitlines(), 1))
    headers = [number for number, line in lines if _is_header(line, table)]
    if table_index is None:
        return next((number for number, line in lines if _is_key(line, key)), headers[0] if headers else None)
    if table_index >= len(headers):
        return None
    start = headers[table_index]
    end = headers[table_index + 1] if table_index + 1 < len(headers) else len(lines) + 1
    within = (number for number, line in lines if start <= number < end and _is_key(line, key))
    return next(within, start)


def _is_header(line: str, table: str) -> bool:
    return re.match(rf"\s*\[\[\s*{re.escape(table)}\s*\]\]", line) is not None


def _is_key(line: str, key: str) -> bool:
    return re.match(rf"""\s*["']?{re.escape(key)}["']?\s*=""", line) is not None
