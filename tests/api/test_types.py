"""Values of wrong types in the Python API: UserError, which says what is taken."""

from typing import Any

import pytest

import benchcli
from benchcli.errors import UserError


@pytest.mark.parametrize(
    ("function", "arguments", "settings"),
    [
        ("measure", ({1: "mine:build"},), {}),
        ("measure", ("",), {}),
        ("measure", ("g2",), {"device": 3}),
        ("measure", ("g2",), {"device": "fake", "output": 5}),
        ("measure", ("g2",), {"device": "fake", "resume": 3}),
        ("measure", ("g2",), {"budget": []}),
        ("measure", ("g2",), {"precision": "1%"}),
        ("check", (None,), {"base": "main"}),
        ("check", ("ci",), {"baseline": 3}),
        ("check", ("ci",), {"base": "main", "allow": 3}),
        ("check", ("ci",), {"base": "main", "only": [3]}),
        ("check", ("ci",), {"base": "main", "threshold": "x"}),
        ("check", ("ci",), {"base": "main", "time_limit": "x"}),
        ("load", ("\0",), {}),
        ("load", ("a" * 5000,), {}),
    ],
    ids=str,
)
def test_a_value_of_another_type_is_a_user_error(
    function: str, arguments: tuple[Any, ...], settings: dict[str, Any]
) -> None:
    with pytest.raises(UserError) as caught:
        getattr(benchcli, function)(*arguments, **settings)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 500
