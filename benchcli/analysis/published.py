"""Look up the published figures of blocks and networks."""

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.schema import Record
from benchcli.workloads.blocks.base import BLOCKS, UNITS
from benchcli.workloads.networks.base import NETWORKS, Network

SPEEDS = {("arm", 1): "arm_images_per_s", ("gpu", 8): "gpu_batches_per_s"}
"""Columns of ShuffleNet V2's Table 8 by kind of device and batch."""


def network_of(record: Record) -> Network | None:
    """Return the shipped network of a record; None if the record's variant is any other."""
    network = NETWORKS.get(record.variant.name)
    return network if network and network.variant() == record.variant else None


def top1_error(record: Record) -> float | None:
    """Return the published top-1 error in per cent; None if this network and input have none."""
    network = network_of(record)
    return network.printed.top1_error if network and network.printed else None


def relative_speed(record: Record, baseline: Record) -> float | None:
    """Return the published speed over the baseline's on the paper's device of this kind.

    None if the paper has no such speed.
    """
    if record.family.catalogue == "blocks":
        return _block_speed(record, baseline)
    speed, baseline_speed = _speed(record), _speed(baseline)
    return speed / baseline_speed if speed and baseline_speed else None


def _speed(record: Record) -> float | None:
    network = network_of(record)
    column = SPEEDS.get((_column(record), record.family.batch))
    return network.printed.number(column) if network and network.printed and column else None


def _block_speed(record: Record, baseline: Record) -> float | None:
    """Return the published relative speed of a chain of blocks; None if the paper has none.

    The paper's chains have ten units, stride 1 and batch 1, and run on the phone.
    """
    family, params = record.family, record.variant.params
    is_as_published = family.batch == 1 and params["units"] == UNITS and params["stride"] == 1
    if not is_as_published or _column(record) != "arm":
        return None
    return BLOCKS[record.variant.name].paper_relative_speed(
        int(family.widths), record.variant.shape[-1], baseline.variant.name
    )


def _column(record: Record) -> str:
    return DEVICES[split_name(record.target.device)[0]].column
