from benchcli.reports.advice import grouped, sentence
from benchcli.schema import Interval
from tests.values import family, record, variant

ONE = Interval(1.0, 1.0, 1.0)


def test_every_code_that_the_project_makes_has_a_sentence() -> None:
    for code in (
        "page-faults:433",
        "imprecise:budget",
        "imprecise:launches",
        "no-baseline",
        "costs:aten.foo",
        "threads:4 threads on 2 usable cores",
        "allocator:Darwin 25",
        "preempted:20% of the samples",
        "throttled:5% of the samples",
        "clock:1% of the samples",
        "host-bound",
        "overhead:0.3%",
        "busy:1.0 cores in 6 of 6 launches",
        "few-launches:2",
        "steal:0.20",
        "quota:40%",
        "paging:12",
        "frequency:800 to 2400 MHz",
        "held-down:power cap",
        "spread:9%",
        "held-up:9%",
        "clock-steps:15 µs, 0 times back",
        "virtualised",
        "small-quota:0.1",
        "governor:powersave",
        "turbo",
        "one-core",
        "unseen:frequency",
        "unsteady:12%",
        "unpaired:3%",
    ):
        assert sentence(code) != code
        assert "  " not in sentence(code)


def test_an_unknown_code_of_a_later_version_is_shown_as_it_is() -> None:
    assert sentence("moon:full") == "moon:full"


def test_one_cause_gives_one_warning_with_its_range() -> None:
    of = family(variant("a"), variant("b"))
    records = [
        record(of, "a", ONE, warnings=("page-faults:9", "imprecise:budget")),
        record(of, "b", ONE, warnings=("page-faults:433", "imprecise:budget")),
    ]
    assert grouped(records) == {"page-faults:9 to 433": records, "imprecise:budget": records}
    assert sentence("page-faults:9 to 433").startswith("9 to 433 page faults per call")


def test_percentages_of_codes_have_a_space_in_sentences() -> None:
    assert sentence("quota:40%").startswith("the control group's CPU quota stopped the run for 40 % of the time")
    assert sentence("preempted:20% to 35% of the samples").startswith("20 to 35 % of the samples were interrupted")
