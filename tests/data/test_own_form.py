"""A form of one's own: the example of the documentation, as one more file beside the others."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import mnistlab.data.forms
from mnistlab import load_dataset
from mnistlab.data.form import forms
from mnistlab.errors import DataError

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


@pytest.fixture
def libsvm(tmp_path, monkeypatch):
    """The documented file, in a folder that the package looks into as well."""
    (example,) = re.findall(r"```python\n(\"\"\"LIBSVM.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    folder = tmp_path / "forms"
    folder.mkdir()
    (folder / "libsvm.py").write_text(example, encoding="utf-8")
    monkeypatch.setattr(
        mnistlab.data.forms, "__path__", [*mnistlab.data.forms.__path__, str(folder)]
    )
    forms.cache_clear()
    yield
    sys.modules.pop("mnistlab.data.forms.libsvm", None)
    forms.cache_clear()


def write(path, images, labels):
    path.parent.mkdir(exist_ok=True)
    lines = (
        " ".join([str(label), *(f"{at}:{value:g}" for at, value in enumerate(row, 1) if value)])
        for label, row in zip(labels, images)
    )
    path.write_text("\n".join(lines) + "\n")


@pytest.mark.usefixtures("libsvm")
def test_it_is_found_and_gets_all_that_other_forms_get(tmp_path):
    random = np.random.default_rng(3)
    images = random.choice([-1.0, 0.0, 0.2, 1.0], (28, 256))
    labels = np.arange(28) % 4
    write(tmp_path / "usps/train.libsvm", images, labels)
    data = load_dataset(tmp_path / "usps")
    assert data.train.images.shape == (24, 1, 16, 16)
    assert data.notes[0] == "pixels from -1 to 1 are scaled to 0 to 255"
    assert data.notes[1].startswith("no test set: 4 images")
    write(tmp_path / "usps/test.libsvm", images[[5, 6]], labels[[5, 6]])
    packed = load_dataset(shutil.make_archive(str(tmp_path / "usps"), "zip", tmp_path / "usps"))
    assert packed.notes[1].startswith("the test set has no image of 0, 3, so its accuracy")
    assert packed.notes[2].startswith("2 of 2 test images are also training images")
    assert set(np.unique(packed.train.images)) == {0, 128, 153, 255}
    assert packed.test.labels.tolist() == [1, 2]


@pytest.mark.usefixtures("libsvm")
def test_its_errors_name_the_file_and_the_line(tmp_path):
    write(tmp_path / "usps/train.libsvm", np.ones((2, 257)), [0, 1])
    with pytest.raises(DataError, match=r"usps/train\.libsvm: line 1: index 256 is out of"):
        load_dataset(tmp_path / "usps")


def test_without_it_the_files_are_no_known_form(tmp_path):
    write(tmp_path / "usps/train.libsvm", np.ones((2, 256)), [0, 1])
    with pytest.raises(DataError, match="no data in it; known forms are CIFAR"):
        load_dataset(tmp_path / "usps")
