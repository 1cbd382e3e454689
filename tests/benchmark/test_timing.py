"""Timing in turns."""

import pytest

from mnistlab.benchmark.timing import Times, in_turns


def test_ways_take_turns_and_the_first_does_not_count():
    told = []
    own = {"a": iter([100.0, 1.0, 5.0, 3.0]), "b": iter([100.0, 2.0, 2.0, 2.0])}
    ways = {name: (lambda values=values: next(values)) for name, values in own.items()}
    times = in_turns(ways, 3, told.append)
    assert told == ["a", "b"] * 4
    assert times == {"a": Times(3.0, 1.0, 5.0), "b": Times(2.0, 2.0, 2.0)}


def test_a_way_that_gives_no_seconds_is_timed():
    times = in_turns({"nothing": lambda: None}, 2, lambda way: None)["nothing"]
    assert 0 <= times.low <= times.median <= times.high


def test_times_scale():
    assert Times(1.0, 0.5, 2.0).scaled(8) == Times(8.0, 4.0, 16.0)


@pytest.mark.parametrize("way", ["Ours", "Eager", "Loader", "Course"])
def test_every_way_trains_on_all_its_images(small_mnist, way):
    import torch

    from mnistlab import built_in
    from mnistlab.benchmark import contenders

    make = getattr(contenders, way)
    layout = (torch.channels_last,) if way == "Eager" else ()
    run = make(built_in("custom_mlp"), small_mnist, 300, *layout)
    model = run._trainer.model if way == "Ours" else run._model
    before = model.output.weight.detach().clone()
    run()
    assert not torch.equal(before, model.output.weight)
    assert int(model.norm1.num_batches_tracked) == 3


def test_the_average_that_a_recipe_has_is_part_of_pytorchs_way(small_mnist):
    import torch

    from mnistlab import built_in
    from mnistlab.benchmark.contenders import Eager

    run = Eager(built_in("best62k"), small_mnist, 256, torch.contiguous_format)
    before = run._average.module.output.weight.clone()
    run()
    after = run._average.module.output.weight
    assert not torch.equal(after, before)
    assert not torch.equal(after, run._model.output.weight)
