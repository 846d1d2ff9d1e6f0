"""The reference networks that every launch measures besides."""

from dataclasses import replace

from benchcli.checks.against_run import _why_not_comparable
from benchcli.sampling.bench import load
from benchcli.workloads.references import with_references
from tests.values import family, record, variant


def test_references_take_one_image_whatever_the_batch() -> None:
    """With a batch of hundreds they would take far longer than a small network."""
    many = with_references(replace(family(variant("net")), batch=512))
    assert [many.batch_of(each) for each in many.launched] == [512, 1, 1]
    _, inputs = load(many.references[0], many, "cpu")
    assert [tuple(each.shape) for each in inputs.tensors()] == [(1, 64, 28, 28)]


def test_runs_recorded_with_references_of_another_batch_are_not_compared() -> None:
    now = with_references(replace(family(variant("net")), batch=8))
    then = replace(now, references_batch=None)
    assert [then.batch_of(each) for each in then.launched] == [8, 8, 8]
    before, after = (record(each, "net", None) for each in (then, now))
    assert "other reference networks" in (_why_not_comparable(before, after) or "")
    assert "other reference networks" not in (_why_not_comparable(after, after) or "")
