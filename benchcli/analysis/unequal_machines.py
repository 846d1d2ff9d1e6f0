"""Name the machines of a store that differ from their equals: those of one digest should take equal times."""

from dataclasses import dataclass
from pathlib import Path

from benchcli.store.database import rows_of, tables

LEAST_EQUALS = 4
"""The fewest machines of one digest of which one can differ: of three, the other two need not agree."""
LEAST_DIFFERENCE = 0.05
"""The least difference in time that counts, as a fraction: between two runs, a machine changes too."""
MOST_APART = 5.0
"""The largest distance from the median of equal machines, in standard deviations of these by MAD."""


@dataclass(frozen=True)
class Unequal:
    """A machine whose times differ from those of its equals."""

    digest: str
    """What it shares with its equals."""
    host: str
    """Its name."""
    cpu: str
    """Its processor."""
    network: str
    """FAMILY/NETWORK, of what differs besides the machine as a whole; empty for the machine as a whole."""
    factor: float
    """Its time over the median of its equals; of a network, after that of the whole machine."""
    equals: int
    """The number of other machines."""
    runs: int
    """The number of its runs."""


def unequal_machines(store: Path) -> tuple[Unequal, ...]:
    """Return the machines, and networks on them, that differ from their equals, the most different ones first.

    Machines are equal if their digests are: processor, cores, system, versions and settings. No average
    over machines is taken: each is compared with the median of all that are equal. Raises UserError if
    the store cannot be read.
    """
    with tables(store, "networks") as connection:
        found = rows_of(
            connection.execute(_QUERY, {"apart": MOST_APART, "least": LEAST_DIFFERENCE, "equals": LEAST_EQUALS})
        )
    return tuple(Unequal(**row) for row in found)


_QUERY = """
WITH times AS (
    SELECT digest, suite, family, variant, channels, inputs, coalesce(host, '') AS host, any_value(cpu) AS cpu,
        median(ln(median_s)) AS time, count(*) AS runs
    FROM networks WHERE median_s IS NOT NULL GROUP BY ALL
), apart AS (
    SELECT *, time - median(time) OVER equal AS shift, count(*) OVER equal AS machines
    FROM times WINDOW equal AS (PARTITION BY digest, suite, family, variant, channels, inputs)
), of_machine AS (
    SELECT digest, host, any_value(cpu) AS cpu, median(shift) AS shift, max(machines) AS machines, max(runs) AS runs
    FROM apart WHERE machines >= $equals GROUP BY digest, host
), of_network AS (
    SELECT apart.* REPLACE (apart.shift - of_machine.shift AS shift), family || '/' || variant AS network
    FROM apart JOIN of_machine USING (digest, host) WHERE apart.machines >= $equals
), judged AS (
    SELECT digest, host, cpu, '' AS network, shift, machines, runs,
        1.4826 * mad(shift) OVER (PARTITION BY digest) AS spread FROM of_machine
    UNION ALL BY NAME
    SELECT digest, host, cpu, network, shift, machines, runs,
        1.4826 * mad(shift) OVER (PARTITION BY digest, suite, family, variant, channels, inputs) AS spread
    FROM of_network
)
SELECT digest, host, cpu, network, exp(shift) AS factor, machines - 1 AS equals, runs FROM judged
WHERE abs(shift) > greatest(ln(1 + $least), $apart * spread)
ORDER BY abs(shift) DESC, digest, host, network
"""
