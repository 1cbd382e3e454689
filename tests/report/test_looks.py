"""No two recipes, models or parts look alike in any plot, however many there are."""

import io
import re

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from PIL import Image

from mnistlab.recipe import Recipe
from mnistlab.report import run_plots
from mnistlab.report.canvas import COLOURS, INK, inline_svg, looks, svg
from mnistlab.report.comparison_report import draw_plots, write_comparison_report
from mnistlab.report.image_plots import draw_confusion
from mnistlab.report.robustness_report import draw_robustness
from mnistlab.report.seed_plots import paired_differences
from mnistlab.statistics import RunGroup, compare
from tests.report.test_robustness_report import made
from tests.statistics.records import made_group, made_record

MANY = 12


@pytest.fixture(scope="module")
def plots():
    draws = np.random.default_rng(0)
    groups = [
        made_group(
            f"recipe{number}",
            [10 + number, 12, 9],
            Recipe(name=f"recipe{number}", dropout=number / 20),
            random=draws,
        )
        for number in range(MANY)
    ]
    drawn = draw_plots(groups, compare(groups, baseline="recipe0"))
    single = [group.records[0] for group in groups]
    models = made(*(f"model {number}" for number in range(MANY)), images=5000)
    return drawn | {
        "course": run_plots.test_comparison(single),
        "robustness": draw_robustness(models),
    }


def drawn_lines(axes):
    """Colour, style and marker of each labelled line, bar or set of error bars."""
    handles, labels = axes.get_legend_handles_labels()
    for handle, label in zip(handles, labels):
        artist = handle[0] if isinstance(handle, tuple) else handle
        if hasattr(artist, "get_linestyle") and hasattr(artist, "get_marker"):
            yield (
                label,
                (
                    artist.get_color(),
                    artist.get_linestyle(),
                    artist.get_marker(),
                    artist.get_alpha(),
                ),
            )
        else:
            yield label, (artist.get_facecolor(),)


@pytest.mark.parametrize("name", ["curves", "calibration", "classes", "course", "robustness"])
def test_what_the_legend_names_is_told_apart(plots, name):
    for axes in plots[name].axes:
        seen = dict(drawn_lines(axes))
        assert len(set(seen.values())) == len(seen)
        recipes = {
            label.removesuffix(", training").removesuffix(", test"): look[0]
            for label, look in seen.items()
        }
        assert len(set(recipes.values())) == len(recipes), "a colour for each"


@pytest.mark.parametrize(
    ("name", "of"), [("curves", "recipes"), ("calibration", "recipes"), ("classes", "recipes")]
)
def test_what_is_left_out_is_said(plots, name, of):
    (legend,) = plots[name].legends
    assert legend.get_title().get_text() == f"the first 6 of {MANY} {of}"


@pytest.mark.parametrize("name", ["course", "robustness"])
def test_nothing_else_is_left_out(plots, name):
    (legend,) = plots[name].legends
    assert len(legend.get_texts()) == MANY


def test_every_row_of_accuracies_has_a_colour_of_its_own(plots):
    (axes,) = plots["accuracies"].axes
    colours = {}
    for line in axes.lines:
        colours.setdefault(round(float(line.get_ydata()[0])), set()).add(line.get_color())
    assert all(len(found) == 1 for found in colours.values())
    assert len(set.union(*colours.values())) == MANY


@pytest.mark.parametrize("epochs", [1, 2, 7, 12, 50, 1000])
def test_epochs_are_whole_and_within_the_plot(epochs):
    record = made_record(losses=tuple(np.linspace(0.5, 0.1, epochs)))
    for axes in run_plots.learning_curves(record).axes:
        low, high = axes.get_xlim()
        ticks = [float(label.get_text()) for label in axes.get_xticklabels()]
        assert ticks == sorted({round(tick) for tick in ticks})
        assert all(max(1, low) <= tick <= min(epochs, high) for tick in ticks)
        assert 1 <= len(ticks) <= 12


def decimals(labels):
    return {len(label.partition(".")[2].strip(" %")) for label in labels if label}


def test_an_axis_has_one_number_of_decimals(plots):
    for drawn in plots.values():
        drawn.draw_without_rendering()
        for axes in drawn.axes:
            for axis in (axes.xaxis, axes.yaxis):
                labels = [label.get_text() for label in axis.get_ticklabels()]
                if all(re.fullmatch(r"[−\d.,]*( %)?", label) for label in labels):
                    assert len(decimals(labels)) <= 1, labels


def luminance(colour):
    """The relative luminance of WCAG 2."""
    red, green, blue = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# White pages, and the dark ones of comparison.css.
@pytest.mark.parametrize(
    ("ground", "ink", "blue"),
    [("#ffffff", INK, COLOURS[0]), ("#0f1318", "#e6edf3", "#3c9ce0")],
    ids=["light", "dark"],
)
def test_numbers_are_legible_in_every_cell_of_a_confusion_matrix(ground, ink, blue):
    (axes,) = draw_confusion(np.array([[9, 1], [50, 3]]), ("a", "b"), "t").axes
    assert {text.get_color() for text in axes.texts} == {INK}
    for cell in axes.patches:
        share = cell.get_alpha()
        mixed = share * np.array(to_rgb(blue)) + (1 - share) * np.array(to_rgb(ground))
        low, high = sorted((luminance(mixed), luminance(ink)))
        assert (high + 0.05) / (low + 0.05) >= 4.5


def test_a_notebook_shows_a_plot_once(plots):
    shown = plots["accuracies"]._repr_png_()
    with Image.open(io.BytesIO(shown)) as picture:
        assert picture.format == "PNG"
    assert isinstance(plots["accuracies"], Figure)


def test_a_pairs_mean_is_no_runs_colour():
    groups = [made_group("a", [10, 14, 9]), made_group("b", [12, 11, 13])]
    (axes,) = paired_differences(compare(groups).differences[0]).axes
    zero, *dots, mean = axes.lines
    assert len({line.get_color() for line in (zero, *dots, mean)}) == 4


def test_beyond_twelve_the_marker_and_the_style_change():
    found = looks(60)
    assert len({look.colour for look in found[:12]}) == 12
    assert len({(look.colour, look.marker) for look in found}) == 60
    assert len({(look.colour, look.line) for look in found}) == 60


def test_every_colour_follows_the_page_and_is_legible_there(plots):
    text = inline_svg(svg(plots["robustness"]), "r")
    for number, colour in enumerate(COLOURS):
        assert f"var(--c{number})" in text
        assert colour.lower() not in text.lower()


@pytest.mark.filterwarnings("error")
def test_very_long_names_and_unseen_letters_neither_hide_the_plots_nor_move_the_text(tmp_path):
    made = [made_group("a", [10, 14, 9], Recipe(dropout=0.1)), made_group("b", [12, 11, 13])]
    data = made[0].records[0].data
    classes = (f"{'x' * 20_000}\x1b[31m", "\u202eabc", *data.classes[2:])
    odd = [
        RunGroup.of(
            f"\u202e{number}{'long' * 5_000}",
            [
                r.model_copy(update={"data": data.model_copy(update={"classes": classes})})
                for r in group.records
            ],
        )
        for number, group in enumerate(made)
    ]
    write_comparison_report(
        tmp_path, "a\u202eb\x1b[31m", odd, compare(odd), command="x", failures=["\x1b[31m"]
    )
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert not re.search("[\x1b\u202e]", page)
    assert r"a\u202eb\x1b[31m" in page
    for file in (tmp_path / "plots").iterdir():
        assert file.stat().st_size < 1_000_000, file
