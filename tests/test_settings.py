"""Settings: one declaration serves the command line, the API, suites and commands that are shown."""

import inspect
from typing import get_args

import click
import pytest

import benchcli
from benchcli import settings
from benchcli.cli.main import benchcli as program
from benchcli.errors import UserError
from benchcli.settings import Setting, checked

Settings = tuple[Setting, ...]
OF_COMMANDS: dict[str, Settings] = {
    "guideline": settings.MEASURE,
    "run": settings.RUN,
    "block": settings.BLOCK,
    "network": settings.NETWORK,
    "costs": settings.COSTS,
    "claims": settings.CLAIMS,
    "check": settings.CHECK,
    "selftest": settings.SELFTEST,
    "device": (*settings.TARGET, settings.QUICK, settings.PEAKS, settings.FRESH),
    "sweep": settings.SWEEP,
    "predict": settings.PREDICT,
}
OF_FUNCTIONS: dict[str, Settings] = {
    "measure": settings.MEASURE,
    "block": settings.BLOCK,
    "network": settings.NETWORK,
    "costs": tuple(each for each in settings.COSTS if each is not settings.OWN_INPUTS),
    "claims": (*settings.CLAIMS, *settings.TRACING, *settings.IN_PYTHON),
    "check": settings.CHECK,
    "selftest": (*settings.SELFTEST[1:], *settings.IN_PYTHON),
    "device": (*settings.TARGET, settings.QUICK, settings.TOOLS),
    "sweep": settings.SWEEP,
    "predict": tuple(each for each in settings.PREDICT if each is not settings.OWN_INPUTS),
}


@pytest.mark.parametrize("name", OF_FUNCTIONS)
def test_the_types_of_keyword_arguments_name_the_settings_that_are_checked(name: str) -> None:
    (keywords,) = get_args(inspect.signature(getattr(benchcli, name)).parameters["settings"].annotation)
    checked_names = {each.name for each in OF_FUNCTIONS[name] if each.only != "command line"}
    assert set(keywords.__annotations__) == checked_names


@pytest.mark.parametrize("name", OF_COMMANDS)
def test_a_command_has_the_options_of_its_settings(name: str) -> None:
    command = program.get_command(click.Context(program), name)
    assert command
    options = [each for each in command.params if isinstance(each, click.Option)]
    declared = [each for each in OF_COMMANDS[name] if each.only != "Python"]
    assert [each.name for each in options] == [*(each.name for each in declared), "format_"]
    assert [each.help for each in options[:-1]] == [each.explained for each in declared]


@pytest.mark.parametrize("known", [*OF_FUNCTIONS.values()], ids=[*OF_FUNCTIONS])
def test_every_default_is_valid_and_is_not_repeated_in_a_command(known: Settings) -> None:
    for each in known:
        assert each.default in (None, ()) or each.check(each.default) == each.default
        assert each.words(each.default) == []


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        (settings.THREADS, 2, ["--threads", "2"]),
        (settings.THRESHOLD, 0.02, ["--threshold", "2.00%"]),
        (settings.ALLOW, ("costs", "new"), ["--allow", "costs,new"]),
        (settings.ONLY, ("tower",), ["--only", "tower"]),
        (settings.COSTS_ONLY, True, ["--costs-only"]),
    ],
)
def test_a_value_becomes_the_words_that_give_it(setting: Setting, value: object, words: list[str]) -> None:
    assert setting.words(value) == words
    if len(words) == 2:
        parsed = setting.parse(words[1])
        assert ((parsed,) if setting.repeated else parsed) == value


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        (settings.BATCH, ([1], [1])),
        (settings.RUNTIME, 3),
        (settings.DEVICE, None),
        (settings.ERRORS, [("a", 3.0)]),
        (settings.OWN_INPUTS, [3]),
        (settings.ONLY, 3),
        (settings.DTYPE, ("fp32", "float32")),
    ],
    ids=lambda each: each.name if isinstance(each, Setting) else repr(each),
)
def test_what_no_setting_can_be_is_a_user_error(setting: Setting, value: object) -> None:
    with pytest.raises(UserError):
        setting.check(value)


def test_an_unknown_name_gets_the_nearest_one() -> None:
    with pytest.raises(UserError, match="unknown setting 'batchs': did you mean batch"):
        checked({"batchs": 1}, settings.MEASURE)
