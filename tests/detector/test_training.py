"""Training of the reader's networks."""

import hashlib

import numpy as np
import pytest
import torch

from mnistlab.detector.calibration import Answers, combine, fit
from mnistlab.detector.loss import Batch, losses
from mnistlab.detector.network import CLASSES, MIDDLE, OFFSET, RULINGS, Detector, prepare
from mnistlab.detector.quantise import read_model
from mnistlab.detector.run import Banks, train_reader
from mnistlab.detector.training import Crops, train
from mnistlab.detector.warm_start import start_detector
from mnistlab.errors import RunError
from mnistlab.recogniser import Recogniser
from mnistlab.recogniser.engine import Engine
from mnistlab.recogniser.models import find_model
from mnistlab.rendering.crops import render_crops
from tests.handwriting import small_bank

MODEL = find_model("reader")


@pytest.fixture(scope="module")
def batch() -> Batch:
    return Crops(small_bank(), 3, 0, 1).batch(0)


def test_batches_follow_from_their_number_in_any_number_of_workers(batch):
    again = next(
        iter(torch.utils.data.DataLoader(Crops(small_bank(), 3, 0, 2), None, num_workers=2))
    )
    assert all(torch.equal(one, other) for one, other in zip(batch, again, strict=True))


def perfect(batch: Batch) -> torch.Tensor:
    """What a detector without a fault says."""
    out = torch.zeros(len(batch.images), CLASSES + 20, *batch.middle.shape[1:])
    out[:, MIDDLE] = torch.where(batch.middle == 1, 20.0, -20.0)
    out[:, OFFSET:RULINGS] = batch.box
    out[:, RULINGS:CLASSES] = torch.where(batch.maps == 1, 20.0, -20.0)
    out[:, CLASSES:].scatter_(1, batch.kind[:, None], 6.0)
    return out


def test_the_loss_of_perfect_answers_is_nought_but_for_smoothed_labels(batch):
    found = losses(perfect(batch), batch)
    assert float(found.middle) < 1e-4
    assert float(found.box) < 1e-6
    assert float(found.maps) < 1e-6
    assert float(found.kind) < 0.3


def test_a_false_middle_costs_the_more_the_surer_it_is_and_nothing_where_not_asked(batch):
    out = perfect(batch)
    free = ((batch.middle == 0) & (batch.asked == 1)).nonzero()[0]
    costs = []
    for logit in (-20.0, 0.0, 5.0):
        out[free[0], MIDDLE, free[1], free[2]] = logit
        costs.append(float(losses(out, batch).middle))
    assert costs[0] < costs[1] < costs[2]
    ignored = batch._replace(asked=batch.asked.clone())
    ignored.asked[tuple(free)] = 0
    assert float(losses(out, ignored).middle) == pytest.approx(costs[0], abs=1e-6)


def test_the_focal_loss_is_cornernets(batch):
    torch.manual_seed(0)
    out = torch.randn(len(batch.images), CLASSES + 20, *batch.middle.shape[1:]).double()
    p, y = out[:, MIDDLE].sigmoid(), batch.middle.double()
    positive = (y == 1).double()
    expected = -(
        positive * (1 - p) ** 2 * p.log()
        + (1 - positive) * batch.asked * (1 - y) ** 4 * p**2 * (1 - p).log()
    ).sum()
    assert float(losses(out, batch).middle) == pytest.approx(float(expected / positive.sum()), 1e-6)


def test_a_run_that_is_interrupted_ends_in_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr("mnistlab.detector.training.PAGES", 2)
    monkeypatch.setattr("mnistlab.detector.training.SAVED_EVERY", 2)
    kwargs = {"bank": small_bank(), "steps": 4, "seed": 5, "workers": 0}
    whole = train(tmp_path / "whole", **kwargs)

    class StopError(Exception):
        pass

    def stop(step: int) -> None:
        if step == 3:
            raise StopError

    with pytest.raises(StopError):
        train(tmp_path / "cut", **kwargs, after_step=stop)
    resumed = train(tmp_path / "cut", **kwargs)
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


@pytest.fixture
def little(monkeypatch) -> dict:
    """What makes a reader's training short."""
    monkeypatch.setattr("mnistlab.detector.training.PAGES", 2)
    monkeypatch.setattr("mnistlab.detector.run._PAGES", 2)
    monkeypatch.setattr("mnistlab.detector.run._MEASURED", 1)
    monkeypatch.setattr("mnistlab.detector.classifier_training.BATCH", 128)
    banks = Banks(small_bank(), small_bank())
    return {"banks": banks, "shards": 3, "epochs": 1, "seed": 4, "workers": 0}


def test_a_run_that_is_stopped_in_any_stage_is_resumed_and_makes_a_model_to_read_with(
    tmp_path, little
):
    options = little | {"steps": 0, "start": MODEL}
    whole = train_reader(tmp_path / "whole", **options)
    stages, cut = [], tmp_path / "cut"
    for _ in range(5):
        assert train_reader(cut, **options, report=stages.append, should_stop=lambda: True) is None
        with pytest.raises(RunError, match=r"cut: holds an unfinished run; give `resume=True`"):
            train_reader(cut, **options, resume=False)
    assert [stage.split(":")[0] for stage in stages] == [
        *(f"train-{number}" for number in range(3)),
        "held-out-0",
    ]
    with pytest.raises(RunError, match="seed 4, or one that started from another model; give the"):
        train_reader(cut, **options | {"seed": 5})
    resumed = train_reader(cut, **options)
    assert (cut / "reader.bin").read_bytes() == (tmp_path / "whole" / "reader.bin").read_bytes()
    assert (resumed.model, resumed.cut_outs) == (whole.model, whole.cut_outs)
    assert read_model(cut / "reader.bin").keys() == read_model(MODEL).keys()
    blank = np.full((40, 40), 255, np.uint8)
    assert Recogniser(cut / "reader.bin").read(blank).size == (40, 40)


def test_a_detector_is_trained_on_from_a_model(tmp_path, little):
    options = little | {"shards": 0}
    record = train_reader(tmp_path / "run", **options, steps=2, start=MODEL)
    assert record.start == hashlib.sha256(MODEL.read_bytes()).hexdigest()
    assert (record.crops, record.before.model) == (2 * 32, record.start)
    again = train_reader(tmp_path / "again", **options, steps=1, start=tmp_path / "run/reader.bin")
    assert again.before == record
    crop = render_crops(0, 3, small_bank())[0].image
    before, after = (
        Engine(path.read_bytes()).detect(crop)[0][0]
        for path in (MODEL, tmp_path / "run/reader.bin")
    )
    assert 0 < np.abs(after - before).mean() < 0.3
    kept, new = (read_model(path)["classifier"] for path in (MODEL, tmp_path / "run/reader.bin"))
    assert all(
        np.array_equal(one.weights, other.weights)
        for one, other in zip(kept.layers, new.layers, strict=True)
    )


def test_a_warm_start_computes_what_the_model_does():
    crops = np.stack([render_crops(1, page, small_bank(), 1)[0].image for page in range(8)])
    net = Detector()
    start_detector(net, read_model(MODEL), crops)
    with torch.no_grad():
        out = net.eval()(prepare(torch.from_numpy(crops[:1])[:, None]))[0].numpy()
    planes, classes = Engine(MODEL.read_bytes()).detect(crops[0], cells=np.array([[5, 6], [30, 9]]))
    assert out[:CLASSES] == pytest.approx(planes, abs=0.05)
    assert pytest.approx(classes, abs=0.05) == out[CLASSES:, [5, 30], [6, 9]].T


def test_without_steps_there_has_to_be_a_model(tmp_path):
    for nothing in ({"steps": 0}, {"shards": 0}):
        with pytest.raises(RunError, match="there has to be a model that is kept"):
            train_reader(tmp_path / "run", **nothing)
    assert not (tmp_path / "run").exists()


def test_the_native_kernels_train_the_detector_as_pytorch_does(batch):
    from mnistlab.acceleration import accelerate

    torch.manual_seed(1)
    net = Detector()
    images = prepare(batch.images[:4])
    part = Batch(*(tensor[:4] for tensor in batch))
    gradients = []
    for run in (net, accelerate(net)):
        net.zero_grad()
        sum(losses(run(images), part)).backward()
        gradients.append([parameter.grad.clone() for parameter in net.parameters()])
    for one, other in zip(*gradients, strict=True):
        assert float((one - other).norm()) <= 1e-4 * float(one.norm()) + 1e-7


def test_the_powers_that_made_answers_are_found():
    torch.manual_seed(2)
    n = 20_000
    logits, kinds = 3 * torch.randn(n, 21), torch.randn(n, 20).log_softmax(1)
    answers = Answers(logits, kinds, torch.rand(n), torch.zeros(n, dtype=torch.int64))
    made = torch.tensor([0.6, 0.8, 1.7, -0.5])
    truth = torch.multinomial(combine(answers, made).softmax(1), 1)[:, 0]
    assert list(fit(answers._replace(truth=truth))) == pytest.approx(made.tolist(), abs=0.1)
