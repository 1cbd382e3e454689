"""What PyTorch's exporter does at first, which takes twice as long as an export, and what it does
each time, which takes a third of it: it reads the source code of all operators that it knows."""

import functools


def remember_operators():
    """Have this process, and those forked from it, read them once, and export for the first
    time."""
    import torch
    from torch.onnx._internal.exporter._constants import TORCHLIB_OPSET
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    from mnistlab.exporting.onnx_graph import quiet

    if not hasattr(ONNXRegistry.from_torchlib, "cache_info"):
        ONNXRegistry.from_torchlib = staticmethod(functools.cache(ONNXRegistry.from_torchlib))
        with quiet():
            ONNXRegistry.from_torchlib(opset_version=TORCHLIB_OPSET)
            torch.onnx.export(torch.nn.Linear(1, 1), (torch.zeros(2, 1),), dynamo=True)
