"""Look up the published figures of blocks and networks."""

from collections.abc import Iterable, Mapping
from dataclasses import replace

from benchcli.backends.devices.base import device_named
from benchcli.schema import Record
from benchcli.spelling import given
from benchcli.workloads.blocks.base import BLOCKS, UNITS
from benchcli.workloads.guidelines.base import Column
from benchcli.workloads.networks.base import NETWORKS, Network

SPEEDS: Mapping[Column, str] = {"arm": "arm_images_per_s", "gpu": "gpu_batches_per_s"}
"""Columns of ShuffleNet V2's Table 8 by kind of device."""
BATCHES: Mapping[Column, int] = {"arm": 1, "gpu": 8}
"""The batch of each column."""
NAMES: Mapping[Column, str] = {"arm": "a phone", "gpu": "a GPU"}


def network_of(record: Record) -> Network | None:
    """Return the shipped network of a record; None if the record's variant is any other."""
    network = NETWORKS.get(record.variant.name)
    return network if network and network.variant() == replace(record.variant, top1_error=None) else None


def top1_error(record: Record) -> float | None:
    """Return the user's own top-1 error in per cent, or the published one; None if this network and input have none."""
    if record.variant.top1_error is not None:
        return record.variant.top1_error
    network = network_of(record)
    return network.printed.top1_error if network and network.printed else None


def relative_speed(record: Record, baseline: Record, platform: Column | None = None) -> float | None:
    """Return the published speed over the baseline's, on one of the paper's platforms.

    Without a platform, it is the one like the record's device, if the batch is the paper's too.
    None if the paper has no such speed.
    """
    column = platform or column_of(record)
    if record.family.catalogue == "blocks":
        return _block_speed(record, baseline, column)
    if platform is None and record.family.batch != BATCHES[column]:
        return None
    speed, baseline_speed = _speed(record, column), _speed(baseline, column)
    return speed / baseline_speed if speed and baseline_speed else None


def batch_hint(records: Iterable[Record]) -> str | None:
    """Return at which batch the paper has speeds for these networks; None if it has them at this one, or none."""
    for record in records:
        column = column_of(record)
        batch = BATCHES[column]
        if record.family.batch != batch and record.family.catalogue == "networks" and _speed(record, column):
            way_out = f"give {given('batch', batch)} to see them here"
            return f"the paper's speeds on {NAMES[column]} are of batch {batch}: {way_out}"
    return None


def _speed(record: Record, column: Column) -> float | None:
    network = network_of(record)
    return network.printed.number(SPEEDS[column]) if network and network.printed else None


def _block_speed(record: Record, baseline: Record, column: Column) -> float | None:
    """Return the published relative speed of a chain of blocks; None if the paper has none.

    The paper's chains have ten units, stride 1 and batch 1, and run on the phone.
    """
    family, params = record.family, record.variant.params
    is_as_published = family.batch == 1 and params["units"] == UNITS and params["stride"] == 1
    if not is_as_published or column != "arm":
        return None
    return BLOCKS[record.variant.name].paper_relative_speed(
        int(family.widths), record.variant.shape[-1], baseline.variant.name
    )


def column_of(record: Record) -> Column:
    """Return the paper's platform that is like the record's device."""
    return device_named(record.target.device).column
