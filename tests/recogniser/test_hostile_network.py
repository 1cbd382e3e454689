"""ONNX files of strangers that would go on for ever: refused before they run, given up after, and
never in the way of an interrupt."""

import os
import subprocess
import sys

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from mnistlab.errors import ModelError
from mnistlab.recogniser import shipped_models
from mnistlab.recogniser.control_flow import has_control_flow
from mnistlab.recogniser.interruptible import Caller
from mnistlab.recogniser.network import Network

BOOL, FLOAT, INT64, UINT8 = (
    getattr(TensorProto, name) for name in ("BOOL", "FLOAT", "INT64", "UINT8")
)


def tensor(name, kind=FLOAT, shape=None):
    return helper.make_tensor_value_info(name, kind, shape)


def model(*nodes, constants=(), functions=()):
    """An ONNX file from ten pixels, ``x``, by way of nodes to ``y``, its logits."""
    before = [
        helper.make_node("Cast", ["images"], ["floats"], to=FLOAT),
        helper.make_node("Flatten", ["floats"], ["x"]),
    ]
    after = [
        helper.make_node("Identity", ["y"], ["logits"]),
        helper.make_node("Softmax", ["y"], ["probabilities"]),
    ]
    graph = helper.make_graph(
        [*before, *nodes, *after],
        "made",
        [tensor("images", UINT8, ["n", 1, 10])],
        [tensor(name, FLOAT, ["n", 10]) for name in ("logits", "probabilities")],
        list(constants),
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    made = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=list(functions))
    return made.SerializeToString()


def constant(name, kind, value):
    return helper.make_tensor(name, kind, [], [value])


ENDLESS = (constant("turns", INT64, 2**62), constant("true", BOOL, True))


def loop():
    body = helper.make_graph(
        [helper.make_node("Identity", [f"{n}_in"], [f"{n}_out"]) for n in ("go", "x")],
        "body",
        [tensor("i", INT64, []), tensor("go_in", BOOL, []), tensor("x_in")],
        [tensor("go_out", BOOL, []), tensor("x_out")],
    )
    return helper.make_node("Loop", ["turns", "true", "x"], ["y"], body=body)


def branch(*inner):
    then = helper.make_graph(
        [*inner, helper.make_node("Identity", ["x"], ["t"])], "t", [], [tensor("t")]
    )
    other = helper.make_graph([helper.make_node("Identity", ["x"], ["e"])], "e", [], [tensor("e")])
    return helper.make_node("If", ["true"], ["y"], then_branch=then, else_branch=other)


def scan():
    body = helper.make_graph(
        [helper.make_node("Identity", ["row"], ["same"])],
        "body",
        [tensor("row", FLOAT, [10])],
        [tensor("same", FLOAT, [10])],
    )
    return helper.make_node("Scan", ["x"], ["y"], body=body, num_scan_inputs=1)


def doubling(depth):
    """Functions each of which calls the one before it twice."""
    calls, opsets = ("Identity", ""), [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    for number in range(depth):
        name, domain = calls
        twice = [
            helper.make_node(name, [a], [b], domain=domain) for a, b in (("a", "b"), ("b", "c"))
        ]
        yield helper.make_function("own", f"f{number}", ["a"], ["c"], twice, opsets)
        calls = (f"f{number}", "own")


HOSTILE = {
    "Loop": model(loop(), constants=ENDLESS),
    "Scan": model(scan()),
    "If": model(branch(), constants=ENDLESS),
    "Loop in If": model(branch(loop()), constants=ENDLESS),
    "functions": model(helper.make_node("f39", ["x"], ["y"], domain="own"), functions=doubling(40)),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_loops_branches_and_functions_are_refused_before_anything_runs(kind, tmp_path):
    (tmp_path / "m.onnx").write_bytes(HOSTILE[kind])
    with pytest.raises(ModelError, match=r"m\.onnx: has loops, branches or functions, which no mo"):
        Network(tmp_path / "m.onnx")


def test_they_are_found_wherever_they_stand_and_in_no_model_that_was_exported():
    for content in HOSTILE.values():
        assert has_control_flow(content)
        # Protocol Buffers merge what stands twice.
        assert has_control_flow(model(helper.make_node("Relu", ["x"], ["y"])) + content)
    for path in shipped_models().values():
        assert not has_control_flow(path.read_bytes())


@settings(deadline=None)
@given(st.binary(max_size=60), st.integers(0, 10**6), st.binary(max_size=3))
def test_damage_is_told_as_such(start, at, bytes_there):
    content = bytearray(HOSTILE["Loop"])
    content[at % len(content) : at % len(content) + len(bytes_there)] = bytes_there
    for damaged in (start, bytes(content)):
        try:
            has_control_flow(damaged)
        except ValueError:
            continue
        # What can be read to its end is read as onnx reads it.
        try:
            read = onnx.load_from_string(damaged)
        except Exception:
            continue
        inner = [a for n in read.graph.node for a in n.attribute if a.HasField("g") or a.graphs]
        assert has_control_flow(damaged) == bool(inner or read.functions)


SLOW = """
import os, signal, sys
from mnistlab.errors import ModelError
from mnistlab.recogniser import network
network._SECONDS = 0.2
try:
    network.Network(network.Path(sys.argv[1]))
except ModelError as error:
    print(error, flush=True)
network._SECONDS = 1e6
signal.signal(signal.SIGALRM, signal.default_int_handler)
signal.setitimer(signal.ITIMER_REAL, 0.2)
try:
    network.Network(network.Path(sys.argv[1]))
except KeyboardInterrupt:
    print("interrupted", flush=True)
# Not through the end of the interpreter, at which threads that still compute may abort it.
os._exit(0)
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such timer")
def test_a_model_that_takes_for_ever_is_given_up_and_can_be_interrupted(tmp_path):
    # Hours of multiplications, which ONNX Runtime does as it loads them, since they are constant.
    size = helper.make_tensor("size", INT64, [2], [6000, 6000])
    one = helper.make_tensor("value", FLOAT, [1], [1])
    products = [helper.make_node("MatMul", [f"m{n}", f"m{n}"], [f"m{n + 1}"]) for n in range(2000)]
    nodes = [
        helper.make_node("ConstantOfShape", ["size"], ["m0"], value=one),
        *products,
        helper.make_node("ReduceSum", ["m2000"], ["sum"], keepdims=0),
        helper.make_node("Add", ["x", "sum"], ["y"]),
    ]
    (tmp_path / "slow.onnx").write_bytes(model(*nodes, constants=[size]))
    done = subprocess.run(
        [sys.executable, "-c", SLOW, tmp_path / "slow.onnx"],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    first, second = done.stdout.splitlines()
    assert "slow.onnx: takes longer than 0.2 seconds to read 16 images" in first
    assert second == "interrupted"


def test_calls_go_on_after_errors_and_in_a_forked_process(tmp_path):
    caller = Caller()
    with pytest.raises(ZeroDivisionError):
        caller.call(lambda: 1 // 0, 10)
    assert caller.call(lambda: 7, 10) == 7
    if hasattr(os, "fork"):
        if child := os.fork():
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        else:
            os._exit(caller.call(lambda: 7, 10))


def test_a_model_of_ten_pixels_is_read(tmp_path):
    (tmp_path / "m.onnx").write_bytes(model(helper.make_node("Relu", ["x"], ["y"])))
    logits = Network(tmp_path / "m.onnx").logits(np.arange(10, dtype=np.uint8).reshape(1, 1, 10))
    assert logits.tolist() == [list(range(10))]
