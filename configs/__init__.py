"""Experiments: one file each, `get_config(variant="")` in all of them."""
