"""Time the networks with pytest-benchmark.

pytest benchmarks/peer_pytest.py --benchmark-json out.json
"""

import pytest
from networks import calls
from pytest_benchmark.fixture import BenchmarkFixture

NETWORKS = calls()


@pytest.mark.parametrize("name", NETWORKS)
def test_network(benchmark: BenchmarkFixture, name: str) -> None:
    benchmark(NETWORKS[name])
