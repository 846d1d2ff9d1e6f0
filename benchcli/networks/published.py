"""What was published of a network that was measured, where it was measured as published."""

from benchcli.networks.base import NETWORKS, Network
from benchcli.schema import Record


def network_of(record: Record) -> Network | None:
    """Return the network that ships of which a record is; None for a library's and for somebody's own."""
    return next((each for each in NETWORKS if each.name == record.variant.name), None)


def top1_error(record: Record) -> float | None:
    """Return the published top-1 error in per cent; None where there is none, or the input is not the published one."""
    network = network_of(record)
    if network is None or network.printed is None or record.variant.shape[-1] != network.size:
        return None
    return network.printed.top1_error
