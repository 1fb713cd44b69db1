"""A small state dict in both of PyTorch's formats, for tests/data/torch_file_test.py.

Written by `python tests/reference/torch_file.py` with Python 3.11.7 and torch 2.15.0 (CPU). It writes
torch_file_zip.pth and torch_file_legacy.pth beside itself.
"""

import pathlib

import torch


def main():
    # A module's own dictionary carries versions beside its entries; views share a storage, forwards and transposed.
    state = torch.nn.BatchNorm1d(2).state_dict()
    whole = torch.arange(12, dtype=torch.float32).reshape(3, 4)
    state["whole"], state["transposed"], state["corner"] = whole, whole.T, whole[1:, 1::2]
    state["row"] = torch.tensor([1.5, -2.0, 0.25], dtype=torch.float16).expand(2, 3)
    state["mask"] = torch.tensor([True, False, True])
    state["none"] = torch.zeros(0, 3, dtype=torch.float64)
    for name, is_zip in (("zip", True), ("legacy", False)):
        path = pathlib.Path(__file__).with_name(f"torch_file_{name}.pth")
        torch.save(state, path, _use_new_zipfile_serialization=is_zip)


if __name__ == "__main__":
    main()
