"""mnistlab predict --annotate: what was read, drawn into its picture."""

import io
import shutil

from PIL import Image

from mnistlab.recogniser import Recogniser
from mnistlab.recogniser.annotation import annotate
from tests.cli.processes import PREDICT, objects, run

VERMILION = (0xD5, 0x5E, 0)


def test_annotated_pictures_keep_their_names_and_unsure_digits_another_colour(pictures, number):
    for name in ("in/a/1.jpg", "in/b/1.jpg"):
        (pictures / name).parent.mkdir(parents=True)
        number().save(pictures / name)
    run(*PREDICT, "in/a/1.jpg", "in/b/1.jpg", "--annotate", "out", cwd=pictures)
    assert not (pictures / "out").exists()
    for arguments in (["in"], ["in/a/1.jpg", "in/b/1.jpg"], ["in/*/*.jpg"]):
        result = run(*PREDICT, *arguments, "--threshold", 1, "--annotate", "out/", cwd=pictures)
        assert result.returncode == 0, result
        found = sorted(
            path.relative_to(pictures) for path in (pictures / "out").rglob("*") if path.is_file()
        )
        assert list(map(str, found)) == ["out/a/1.png", "out/b/1.png"]
        with Image.open(pictures / "out/a/1.png") as picture:
            assert VERMILION in set(picture.get_flattened_data())
        shutil.rmtree(pictures / "out")
    run(*PREDICT, "one.png", "--annotate", "x.png", cwd=pictures)
    assert (pictures / "x.png").read_bytes() == annotate(
        pictures / "one.png", Recogniser().read((pictures / "one.png").read_bytes())
    )


def test_small_pictures_are_drawn_enlarged_and_large_ones_reduced(test_split, number):
    for image, size in (
        (Image.fromarray(test_split.images[0]), (420, 420)),
        (number().resize((5000, 2500)), (4000, 2000)),
        (Image.new("L", (1, 1000)), (1, 1000)),
    ):
        file = io.BytesIO()
        image.save(file, "PNG")
        drawn = annotate(file.getvalue(), Recogniser().read(file.getvalue()))
        with Image.open(io.BytesIO(drawn)) as picture:
            assert picture.size == size


def test_an_annotation_that_cannot_be_written_keeps_the_reading(pictures):
    (pictures / "out" / "one.png").mkdir(parents=True)
    found = objects("one.png", "two.png", "--annotate", "out/", cwd=pictures, status=1)
    assert [read["digits"] for read in found] == ["724", "04"]
    assert found[0]["error"].startswith("out/one.png: cannot be written: ")
    assert found[1]["error"] is None
