"""How fast gengen trains beside plain loops in PyTorch, and whether its two arithmetics reach the same scores.

No part of the package: nothing in `gengen` imports it.
"""
