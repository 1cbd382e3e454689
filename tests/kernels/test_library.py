"""The builds of the library: they agree with one another, and a missing one is explained."""

from pathlib import Path

import pytest
import torch
from torch import nn

import mnistlab.kernels
from mnistlab import Recipe
from mnistlab.errors import KernelError
from mnistlab.kernels import AugmentationParams, Plan, installed, load_library
from mnistlab.kernels.library import BUILDS, Addresses, processor_level
from mnistlab.kernels.registry import require_same_operations
from mnistlab.recipe import ModelInput
from mnistlab.training.backend import choose_backend
from mnistlab.training.loss import make_loss
from mnistlab.training.optimizers import Update
from tests.kernels.reference import make_plan, random_batches, randomise

SHAPE, CLASSES = (2, 12, 11), 4
LEVELS = {"x86_64_v4": 4, "x86_64_v3": 3, "x86_64_v2": 2, "generic": 0}


def train_a_few_steps():
    """Train a few steps through every kind of layer; return the build's name and the results."""
    model = nn.Sequential(
        *(nn.Conv2d(2, 5, 3, padding=1, bias=False), nn.BatchNorm2d(5), nn.ReLU(), nn.MaxPool2d(2)),
        *(
            nn.Conv2d(5, 17, (3, 2)),
            nn.AvgPool2d(2),
            nn.ReLU(),
            nn.Conv2d(17, 19, 1),
            nn.AdaptiveAvgPool2d(1),
        ),
        *(nn.Flatten(), nn.Linear(19, 33), nn.Dropout(0.3), nn.ReLU(), nn.Linear(33, CLASSES)),
    )
    random = torch.Generator().manual_seed(1)
    augmentation = AugmentationParams(
        {
            "matrices": torch.eye(2, 3).repeat(100, 1, 1)
            + 0.1 * torch.randn(100, 2, 3, generator=random),
            "displacements": torch.randn(100, 2, 5, 5, generator=random),
            "sigmas": torch.rand(100, generator=random),
            "erasures": torch.tensor([[2, 3, 4, 5]], dtype=torch.int32).repeat(100, 1),
            "amplitudes": torch.rand(100, generator=random),
            "starts": torch.randint(400, (100,), generator=random, dtype=torch.int32),
            "filters": torch.randn(100, 5, 5, generator=random),
            "fills": torch.rand(100, generator=random),
            "inversions": (torch.rand(100, generator=random) < 0.5).float(),
            "grain": torch.randn(2000, generator=random),
        },
        shared=["grain"],
    )
    batches = random_batches(100, SHAPE, CLASSES, 35, augmentation=augmentation)
    plan = make_plan(randomise(model), SHAPE, CLASSES)
    plan.train(
        batches,
        0,
        3,
        torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9),
        smoothing=0.1,
        threads=2,
    )
    gradients = [parameter.grad for parameter in model.parameters()]
    results = [
        *model.state_dict().values(),
        *gradients,
        batches.losses,
        plan.logits(batches.images),
    ]
    return load_library().build, results


@pytest.fixture
def load_anew(monkeypatch):
    """Set the environment variable and unload the library, now and afterwards."""

    def choose(choice):
        monkeypatch.setenv("MNISTLAB_KERNELS", choice)
        load_library.cache_clear()

    yield choose
    load_library.cache_clear()


def test_every_build_that_runs_here_gives_the_same_to_rounding(load_anew):
    fitting = [build for build in installed() if LEVELS[build] <= processor_level()]
    assert fitting
    first = None
    for build in fitting:
        load_anew(build)
        used, results = train_a_few_steps()
        assert used == build
        for one, other in zip(results, first or results, strict=True):
            torch.testing.assert_close(one, other, atol=1e-5, rtol=0)
        first = first or results


def test_the_fastest_build_that_fits_is_chosen(load_anew):
    load_anew("")
    fitting = [
        build for build in BUILDS if build in installed() and LEVELS[build] <= processor_level()
    ]
    assert load_library().build == fitting[0]


ABSENT = next((build for build in BUILDS if build not in installed()), None)
CHOICES = [
    ("none", r"turned off by MNISTLAB_KERNELS=none"),
    (
        "x86_64_v9",
        r"MNISTLAB_KERNELS=x86_64_v9: no such build; one of x86_64_v4, .*generic or none",
    ),
    *(
        [
            (
                ABSENT,
                (
                    f"MNISTLAB_KERNELS={ABSENT}: not installed, or not for this processor;"
                    " installed: .+"
                ),
            )
        ]
        * bool(ABSENT)
    ),
]


@pytest.mark.parametrize(("choice", "line"), CHOICES)
def test_a_choice_that_cannot_be_is_said_in_a_line_and_training_falls_back(load_anew, choice, line):
    load_anew(choice)
    model = nn.Sequential(nn.Flatten(), nn.Linear(9, 3))
    with pytest.raises(KernelError, match=f"^{line}$"):
        Plan(model, (1, 3, 3), 3, mean=0.0, std=1.0)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.1)
    model_input = ModelInput(channels=1, height=3, width=3, fit="none", mean=(0.0,), std=(1.0,))
    backend = choose_backend(
        model,
        Recipe(),
        Update(model, Recipe(), optimiser, []),
        make_loss(Recipe(), (), None, 3, 8, torch.device("cpu")),
        model_input,
        3,
        torch.device("cpu"),
        "auto",
    )
    assert backend.kernels == "torch"
    with pytest.raises(KernelError) as refused:
        load_library()
    assert backend.reason == str(refused.value)
    before = model[1].weight.detach().clone()
    backend.train(random_batches(8, (1, 3, 3), 3), 0, 1)
    assert not torch.equal(model[1].weight, before)
    assert backend.logits(torch.zeros(2, 1, 3, 3, dtype=torch.uint8)).shape == (2, 3)


def test_a_library_of_another_version_is_refused(load_anew):
    load_anew(str(Path(mnistlab.kernels.__file__).parent / "_processor.so"))
    with pytest.raises(KernelError, match="another version of mnistlab; install mnistlab again"):
        load_library()


@pytest.mark.parametrize("change", [lambda names: names - {"relu"}, lambda names: names | {"sine"}])
def test_both_sides_must_have_the_same_operations(change):
    names = load_library().operations()
    require_same_operations(names)
    (other,) = change(names) ^ names
    with pytest.raises(KernelError, match=f"only one of them has {other}; install mnistlab again"):
        require_same_operations(change(names))


def test_arguments_that_one_side_does_not_know_are_refused():
    plan = Plan(nn.Sequential(nn.Flatten(), nn.Linear(9, 3)), (1, 3, 3), 3, mean=0.0, std=1.0)
    images = torch.zeros(2, 1, 3, 3, dtype=torch.uint8)
    given = plan._images(images, torch.arange(2), AugmentationParams())
    with pytest.raises(KernelError, match="the argument labels is missing"):
        plan._program.call("mnistlab_train", given | {"optimizer": 0})
    room = Addresses([torch.empty(2, 3).data_ptr()])
    given |= {"count": 2, "threads": 1, "outputs": room}
    with pytest.raises(KernelError, match="the argument speed is unknown"):
        plan._program.call("mnistlab_evaluate", given | {"speed": 1})
    with pytest.raises(KernelError, match="the argument threads is of another kind"):
        plan._program.call("mnistlab_evaluate", given | {"threads": 1.0})


def test_every_file_of_the_source_says_what_it_is_and_has_short_lines():
    source = Path(mnistlab.kernels.__file__).parent / "source"
    files = [path for path in source.rglob("*") if path.suffix in (".h", ".cpp")]
    assert len(files) > 80
    for path in files:
        lines = path.read_text(encoding="utf-8").splitlines()
        assert lines[0].startswith("// "), path
        assert max(map(len, lines)) <= 100, path


@pytest.mark.parametrize("threads", [1, 3])
def test_the_processors_peak_is_one_that_a_processor_can_have(threads):
    """No core computes 10^12 float32 numbers a second: none of the operations is left out."""
    operations = 10**9
    seconds = load_library().peak_seconds(operations, threads=threads)
    assert 0 < operations / seconds < threads * 10**12
