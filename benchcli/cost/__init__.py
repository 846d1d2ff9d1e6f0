"""The costs of one call of a network: multiply-adds, element-wise work and memory access cost."""
