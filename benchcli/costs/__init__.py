"""What one call of a network costs: multiply-adds, element-wise work and memory access cost."""
