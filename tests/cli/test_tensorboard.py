"""``--tensorboard``, read back by TensorBoard itself."""

import json
import sys

import pytest

from tests.cli.processes import MNISTLAB, refusal, run
from tests.forks import started

TRAIN = [*MNISTLAB, "train", "mlp", "--epochs", "2", "--run", "run", "--tensorboard"]


def test_curves_are_those_of_the_record(few, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    assert run(*TRAIN, "--data", few, cwd=tmp_path).returncode == 0
    history = json.loads((tmp_path / "run" / "record.json").read_text(encoding="utf-8"))["history"]
    log = accumulator.EventAccumulator(str(tmp_path / "run" / "tensorboard"))
    log.Reload()
    for kind in ("loss", "accuracy"):
        for part in ("train", "test"):
            points = log.Tensors(f"{kind}/{part}")
            assert [point.step for point in points] == [1, 2]
            assert [point.tensor_proto.float_val[0] for point in points] == pytest.approx(
                [epoch[f"{part}_{kind}"] for epoch in history]
            )
    held = [*TRAIN, "--run", "held", "--set", "validation=100", "--data", few]
    assert run(*held, cwd=tmp_path).returncode == 0
    log = accumulator.EventAccumulator(str(tmp_path / "held" / "tensorboard"))
    log.Reload()
    assert set(log.Tags()["tensors"]) == {
        f"{k}/{part}" for k in ("loss", "accuracy") for part in ("train", "validation")
    }
    again = run(*TRAIN, "--data", few, "--resume", cwd=tmp_path)
    assert again.returncode == 0, again.stderr


def test_without_it_the_install_command_is_printed(few, tmp_path):
    arguments = ["tensorboard", *TRAIN[3:], "--data", few]
    told = started().run(*arguments, cwd=tmp_path, call="tests.forks:run_without")
    line = refusal(told)
    assert line == "mnistlab: --tensorboard needs an extra: pip install 'mnistlab[tensorboard]'"
    assert not (tmp_path / "run" / "record.json").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names are Unicode")
def test_a_folder_whose_name_it_cannot_take_is_refused_in_one_line(few, tmp_path):
    pytest.importorskip("tensorboard")
    line = refusal(run(*TRAIN, "--data", few, "--run", "n\udcffu", cwd=tmp_path))
    assert line.startswith(r"mnistlab: n\udcffu/tensorboard: TensorBoard takes names in UTF-8 only")
    assert list(tmp_path.iterdir()) == []
