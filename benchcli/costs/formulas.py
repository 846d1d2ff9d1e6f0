"""The paper's formulas of memory access cost, from shapes alone; in elements, for one image."""

import math


def convolution_mac(area: int, c_in: int, c_out: int, kernel: int = 1, groups: int = 1) -> int:
    """Return hw(c1 + c2) + k k c1 c2 / g of a convolution that keeps height and width (Equations 1 and 2)."""
    return area * (c_in + c_out) + kernel * kernel * c_in * c_out // groups


def pointwise_mac_bound(area: int, flops: int) -> float:
    """Return the least memory access cost of a 1x1 convolution of `flops` multiply-adds (Equation 1)."""
    return 2 * math.sqrt(area * flops) + flops / area
