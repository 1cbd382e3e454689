"""The operators that PyTorch's exporter knows: it reads the source code of each at every export, a
third of what an export takes."""

import functools


def remember_operators():
    """Have this process, and those forked from it, read them once."""
    from torch.onnx._internal.exporter._constants import TORCHLIB_OPSET
    from torch.onnx._internal.exporter._registration import ONNXRegistry

    from mnistlab.exporting.onnx_graph import quiet

    if not hasattr(ONNXRegistry.from_torchlib, "cache_info"):
        ONNXRegistry.from_torchlib = staticmethod(functools.cache(ONNXRegistry.from_torchlib))
        with quiet():
            ONNXRegistry.from_torchlib(opset_version=TORCHLIB_OPSET)
