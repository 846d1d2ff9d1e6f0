import random

from benchcli.sampling.bench import HUGE_PAGE, LINE, PAGES, shift_apart, shift_heap


def test_shifts_differ_stay_within_their_bounds_and_keep_lines_whole() -> None:
    heaps = [len(shift_heap(random.Random(seed))) for seed in range(50)]
    assert len(set(heaps)) > 45
    assert max(heaps) < HUGE_PAGE
    aparts = [len(shift_apart(random.Random(seed))) for seed in range(50)]
    assert max(aparts) < PAGES
    assert all(length % LINE == 0 for length in heaps + aparts)


def test_a_seed_gives_a_launch_the_same_layout_again() -> None:
    assert len(shift_heap(random.Random(5))) == len(shift_heap(random.Random(5)))
