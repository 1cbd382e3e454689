"""The reader's core as it is committed: what its sources give, the same bits wherever it runs."""

import json
import shutil
import subprocess

import numpy as np
import pytest
import wasmtime

from mnistlab.detector.quantise import write_model
from mnistlab.recogniser.core.build import TARGET, build
from mnistlab.recogniser.engine import Engine
from tests.recogniser.core_networks import draw, draw_cut_outs, make_classifier, make_detector


def test_the_committed_module_is_what_its_sources_give(tmp_path, monkeypatch):
    pytest.importorskip("ziglang", reason="ziglang, of the dev extra, builds the core")
    # As on a machine that never built it.
    for name in ("ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR"):
        monkeypatch.setenv(name, str(tmp_path))
    assert build() == TARGET.read_bytes(), "run `make core` and commit core.wasm"


def test_the_module_imports_nothing():
    module = wasmtime.Module(wasmtime.Engine(), TARGET.read_bytes())
    assert [one.name for one in module.imports] == []


NODE = """
const fs = require("fs");
const given = JSON.parse(fs.readFileSync(0));
const [core, model, picture, active, cutouts, width, height, blank] = given;
const { exports: call } = new WebAssembly.Instance(new WebAssembly.Module(fs.readFileSync(core)));
call._initialize();
const put = (at, bytes) => new Uint8Array(call.memory.buffer).set(bytes, at);
const file = fs.readFileSync(model);
const at = call.allocate(file.length);
put(at, file);
if (!call.open_model(at, file.length)) throw "refused";
const size = width * height, planes = size * 2;
let start = call.reserve(2 * size + planes);
put(start, picture);
put(start + size, active);
call.detect(start, start + size, 0, start + 2 * size, 0, width, height, blank, 0);
process.stdout.write(Buffer.from(call.memory.buffer, start + 2 * size, planes));
const count = cutouts.length / 3072, said = count * 25 * 4;
start = call.reserve(cutouts.length + said);
put(start, cutouts);
call.classify(start, start + cutouts.length, count);
process.stdout.write(Buffer.from(call.memory.buffer, start + cutouts.length, said));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_node_gives_the_same_bytes(tmp_path):
    write_model(tmp_path / "reader.bin", make_detector()[1] | {"classifier": make_classifier()[1]})
    rng = np.random.default_rng(5)
    picture, active = draw(rng, 96, 160), rng.random((12, 20)) < 0.6
    cutouts = draw_cut_outs(rng, 18)
    engine = Engine((tmp_path / "reader.bin").read_bytes())
    expected = engine.detect(picture, active, 190)[0].tobytes() + engine.classify(cutouts).tobytes()
    sent = [
        *(str(TARGET), str(tmp_path / "reader.bin")),
        *(part.reshape(-1).tolist() for part in (picture, active.astype(int), cutouts)),
        *(160, 96, 190),
    ]
    done = subprocess.run(
        ["node", "-e", NODE], input=json.dumps(sent).encode(), capture_output=True, check=True
    )
    assert done.stdout == expected
