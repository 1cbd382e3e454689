"""``mnistlab train reader``: what it refuses; its training is tested in tests/detector."""

import pytest

from mnistlab.recogniser.models import find_model
from tests.cli.processes import MNISTLAB, refusal, run


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--data", "cifar10"], "--data: the reader's training has no such option"),
        (["--freeze", "conv*"], "--freeze: the reader's training has no such option"),
        (["--set", "dropout=0.5"], "dropout=0.5: of the reader's training, steps and shards can"),
        (["--set", "shards=-1"], "shards=-1: of the reader's training, steps and shards can be"),
        (["--set", "steps=0"], "without steps or shards there has to be a model that is kept"),
        (["--epochs", "0"], "epochs: must be"),
        (["--init", __file__], "test_reader_training.py: the reader's model is none"),
        (["--init", "missing.bin"], "missing.bin: cannot be read: No such file or directory"),
        (["--resume", "--overwrite"], "--resume continues, --overwrite starts over: give one"),
    ],
)
def test_what_means_nothing_is_refused_and_nothing_is_begun(options, said, tmp_path):
    assert said in refusal(run(*MNISTLAB, "train", "reader", *options, cwd=tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_folder_with_another_run_is_left_alone(tmp_path):
    place = tmp_path / "runs" / "reader-seed0"
    place.mkdir(parents=True)
    (place / "record.json").write_text("{}")
    command = "train", "reader", "--init", find_model("reader"), "--overwrite"
    assert "holds a recipe's run" in refusal(run(*MNISTLAB, *command, cwd=tmp_path))
    assert (place / "record.json").read_text() == "{}"
