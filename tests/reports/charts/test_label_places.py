"""Names beside points: none on another, on a point or outside, where there is room."""

from itertools import combinations

from benchcli.reports.charts.label_places import POINT, LabelPlace, _box, _covered, places, steps


def boxes(
    points: list[tuple[float, float]], labels: list[str], size: tuple[float, float]
) -> list[tuple[float, float, float, float]]:
    found = places(points, labels, size)
    return [_box(*point, place, label) for point, place, label in zip(points, found, labels, strict=True)]


def test_a_lone_name_stands_at_the_right_of_its_point() -> None:
    assert places([(100, 100)], ["name"], (400, 200)) == [LabelPlace(POINT + 3, 0, "left")]


def test_a_name_at_the_edge_stands_at_the_left() -> None:
    assert places([(395, 100)], ["name"], (400, 200))[0].align == "right"


def test_no_name_lies_on_another_or_on_a_point() -> None:
    points = [(50.0 + 9 * number, 50.0 + 7 * (number % 3)) for number in range(6)]
    labels = [f"network-{number}" for number in range(6)]
    found = boxes(points, labels, (600, 300))
    assert all(_covered(one, [other], (600, 300)) == 0 for one, other in combinations(found, 2))
    for box in found:
        assert all(_covered(box, [(x - POINT, y - POINT, x + POINT, y + POINT)], (600, 300)) == 0 for x, y in points)


def test_a_name_avoids_the_line() -> None:
    line = steps([(100, 100), (300, 200)])
    place = places([(100, 100)], ["a long name"], (600, 300), line)[0]
    assert _covered(_box(100, 100, place, "a long name"), line, (600, 300)) == 0
