"""What was published of blocks and networks that were measured, where they were measured as published."""

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.schema import Record
from benchcli.workloads.blocks.base import BLOCKS, UNITS
from benchcli.workloads.networks.base import NETWORKS, Network

SPEEDS = {("arm", 1): "arm_images_per_s", ("gpu", 8): "gpu_batches_per_s"}
"""Kinds of device and batches to columns of ShuffleNet V2's Table 8."""


def network_of(record: Record) -> Network | None:
    """Return the network that ships of which a record is, at its own input; None for any other."""
    network = NETWORKS.get(record.variant.name)
    return network if network and network.variant() == record.variant else None


def top1_error(record: Record) -> float | None:
    """Return the published top-1 error in per cent; None where there is none for just this network and input."""
    network = network_of(record)
    return network.printed.top1_error if network and network.printed else None


def relative_speed(record: Record, baseline: Record) -> float | None:
    """Return the published speed over the baseline's on the paper's device of this kind; None where there is none."""
    if record.family.catalogue == "blocks":
        return _of_blocks(record, baseline)
    here, there = _speed(record), _speed(baseline)
    return here / there if here and there else None


def _speed(record: Record) -> float | None:
    network = network_of(record)
    column = SPEEDS.get((_column(record), record.family.batch))
    return network.printed.number(column) if network and network.printed and column else None


def _of_blocks(record: Record, baseline: Record) -> float | None:
    """Return that of a chain as printed: ten units, stride 1, batch 1, on the phone."""
    family, params = record.family, record.variant.params
    as_printed = family.batch == 1 and params["units"] == UNITS and params["stride"] == 1
    if not as_printed or _column(record) != "arm":
        return None
    return BLOCKS[record.variant.name].paper_relative_speed(
        int(family.widths), record.variant.shape[-1], baseline.variant.name
    )


def _column(record: Record) -> str:
    return DEVICES[split_name(record.target.device)[0]].column
