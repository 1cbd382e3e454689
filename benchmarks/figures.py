"""Figures: what the README and the documents say was measured, as the records in ``results/`` have
it.

``python -m benchmarks.figures`` says which figure is not on its page as its record has it, and
writes docs/figures.md: every figure with its record and the command that makes it.
"""

import json
import re
import sys
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np

from mnistlab import ComparisonResult, read_comparison
from mnistlab.recogniser import shipped_models
from mnistlab.runs import RunRecord, write_atomically
from mnistlab.statistics.verdict import points

ROOT = Path(__file__).parents[1]
RESULTS, PAGE = ROOT / "results", ROOT / "docs" / "figures.md"
README, KOREAN = "README.md", "README.ko.md"
_STRANGERS = 138
"""Pictures of handwriting by strangers."""


class Figure(NamedTuple):
    """What a page says.

    Attributes:
        record: folder in ``results``.
        page: from the repository's root.
        text: that the page has, whatever the line breaks.
    """

    record: str
    page: str
    text: str

    @property
    def told(self) -> bool:
        """Whether the page says so."""
        return _unbroken(self.text) in _unbroken((ROOT / self.page).read_text("utf-8"))


_MAKERS: list[Callable[[], Iterator[Figure]]] = []


def figures() -> list[Figure]:
    """Return every figure, made from its record."""
    return [figure for make in _MAKERS for figure in make()]


def summary(record: str) -> dict[str, Any]:
    """Return what a record says in short."""
    found: dict[str, Any] = json.loads((RESULTS / record / "summary.json").read_text("utf-8"))
    return found


def run_records(record: str) -> list[RunRecord]:
    """Return a repetition's runs, by seed."""
    files = (RESULTS / record / "records").glob("seed-*.json")
    found = [RunRecord.from_json(file.read_bytes(), file.name) for file in files]
    return sorted(found, key=lambda one: one.seed)


def _to(figure: float) -> str:
    """Return a figure with Korean's particle of direction, which follows from its last sound."""
    written = f"{figure:.4f}"
    return written + ("으로" if written[-1] in "036" else "로")


def _unbroken(text: str) -> str:
    return " ".join(text.split())


def _made(maker: Callable[[], Iterator[Figure]]) -> Callable[[], Iterator[Figure]]:
    _MAKERS.append(maker)
    return maker


def _both(record: str, text: str) -> Iterator[Figure]:
    """Yield a table's row on both front pages; Korean writes ranges otherwise."""
    yield Figure(record, README, text)
    yield Figure(record, KOREAN, text.replace(" to ", "~"))


def _comparison(record: str) -> ComparisonResult:
    return read_comparison(RESULTS / record)


def _difference(record: str) -> tuple[str, str, str]:
    """Return by how much the better of two is ahead, and the interval of second minus first."""
    (difference,) = _comparison(record).comparison.differences
    interval = difference.interval
    if interval is None:
        raise ValueError(f"results/{record}: too few seeds for an interval")
    return points(abs(difference.mean)), points(-interval.high), points(-interval.low)


def _figures_of_a_verdict(record: str) -> tuple[str, str, str]:
    """Return by how much the better of two is ahead, the interval of that, and p."""
    said = r"by ([\d.]+) points \(95 % interval (\S+) to (\S+), (p [=<] [\d.]+),"
    (found,) = re.findall(said, summary(record)["verdict"])
    ahead, low, high, p = found
    return ahead, f"{low}~{high}", p


@_made
def _course() -> Iterator[Figure]:
    for row in (RESULTS / "course" / "table.md").read_text("utf-8").splitlines()[2:]:
        yield from _both("course", row)


@_made
def _does_regularisation_help() -> Iterator[Figure]:
    for record, data in (("compare", "MNIST"), ("fashion", "Fashion-MNIST")):
        for name, seeds, *cells, _time in _comparison(record).table("short").rows:
            yield from _both(record, f"| {data} | {name} | {seeds} | {' | '.join(cells)} |")
        yield Figure(record, README, summary(record)["verdict"])
        ahead, interval, p = _figures_of_a_verdict(record)
        yield Figure(record, KOREAN, f"{ahead} %p")
        yield Figure(record, KOREAN, f"(95 % 구간 {interval}, {p}")
    yield Figure("compare", "docs/comparing.md", summary("compare")["verdict"])


@_made
def _pairs_of_one_recipe() -> Iterator[Figure]:
    first, second = (
        round(100 * np.mean([abs(one - other) >= 20 for one, other in combinations(right, 2)]))
        for right in (group.right.tolist() for group in _comparison("compare").groups)
    )
    said = f"{first} and {second} % of all pairs of runs of the *same* model differ by 0.20 points"
    yield Figure("compare", README, said)
    yield Figure("compare", KOREAN, f"전체 쌍의 {first} %와 {second} %에서 0.20 %p 이상")


@_made
def _test_losses() -> Iterator[Figure]:
    plain, regular = (
        np.mean([[epoch.test_loss for epoch in run.history] for run in group.records], axis=0)
        for group in _comparison("compare").groups
    )
    lowest, least = int(plain.argmin()), int(regular.argmin())
    said = f"rises from {plain[lowest]:.4f} nats in epoch {lowest + 1} to {plain[-1]:.4f}"
    yield Figure("compare", README, said)
    said = f"falls to {regular[least]:.4f} in epoch {least + 1} and ends at {regular[-1]:.4f}"
    yield Figure("compare", README, said)
    said = f"{lowest + 1}에폭의 {plain[lowest]:.4f} nat에서 {_to(plain[-1])}"
    yield Figure("compare", KOREAN, said)
    said = f"{least + 1}에폭에 {regular[least]:.4f}까지 내려갔다가 {_to(regular[-1])}"
    yield Figure("compare", KOREAN, said)


@_made
def _which_part_helps() -> Iterator[Figure]:
    ablation = _comparison("ablate")
    whole = np.mean(ablation.groups[0].losses)
    removed = {
        one.second.partition("-without-")[2]: one
        for one in ablation.comparison.differences
        if "-without-" in one.second
    }
    largest = points(max(abs(one.mean) for one in removed.values()))
    yield Figure("ablate", README, f"no difference exceeds {largest} points")
    yield Figure("ablate", KOREAN, f"차이가 {largest} %p를 넘지 않습니다")
    loss = {name: f"{whole - (one.loss or 0):.4f}" for name, one in removed.items()}
    p = {name: f"p = {one.adjusted_loss_p:.2g}" for name, one in removed.items()}
    said = f"rises from {whole:.4f} to {loss['batch_norm']} without batch normalisation"
    said += f" ({p['batch_norm']}). Without dropout it is {loss['dropout']} ({p['dropout']})"
    said += f", without augmentation {loss['augmentation']} ({p['augmentation']})"
    yield Figure("ablate", README, said)
    said = (
        f"{whole:.4f}에서 배치 정규화를 빼면 {loss['batch_norm']}로 오릅니다({p['batch_norm']}). "
    )
    said += f"드롭아웃을 빼면 {loss['dropout']}({p['dropout']}), "
    said += f"증강을 빼면 {loss['augmentation']}입니다({p['augmentation']})"
    yield Figure("ablate", KOREAN, said)


@_made
def _examples() -> Iterator[Figure]:
    page, dropout = "docs/tutorial.md", _comparison("dropout")
    for row in dropout.table("short").rows:
        yield Figure("dropout", page, " ".join(row))
    for said in (dropout.verdict, *dropout.comparison.remarks):
        yield Figure("dropout", page, said)
    ahead, low, high = _difference("fit")
    said = f"{ahead} points behind `pad`, with a 95 % interval of {low} to {high}"
    yield Figure("fit", "docs/training.md", said)


@_made
def _averaged_weights() -> Iterator[Figure]:
    swa = _comparison("swa")
    plain, averaged = (f"{100 * np.mean(group.accuracies):.2f}" for group in swa.groups)
    before, after = (row[-1] for row in swa.table("short").rows)
    yield Figure("swa", "docs/recipes.md", f"takes {after} per run instead of {before[:-2]}")
    yield Figure("swa", "docs/recipes.md", f"{averaged} against {plain} %")
    ahead, low, high = _difference("swa")
    said = f"{ahead} points (95 % interval {low} to {high}, p ="
    yield Figure("swa", "docs/recipes.md", said)


@_made
def _how_small() -> Iterator[Figure]:
    page = "docs/records.md"
    for name in ("best62k", "small10k", "fashion62k"):
        shares = [100 * run.final.test_accuracy for run in run_records(name)]
        low, high = summary(name)["interval"]
        figure = f"{np.mean(shares):.2f} % | {np.std(shares, ddof=1):.2f} | {low:.2f} to {high:.2f}"
        row = f"{run_records(name)[0].parameters:,} | {figure} |"
        yield from _both(name, row)
        row = row.replace("| ", "| 20 | ", 1)
        yield Figure(name, page, f"{row} {min(shares):.2f} to {max(shares):.2f} |")
        if name != "fashion62k":
            yield Figure(name, page, f"the mean is {_undisputed(name)}")
    averaged = json.loads((RESULTS / "fashion62k" / "shifts.json").read_text("utf-8"))["averaged"]
    mean, low, high = (100 * share for share in (averaged["mean"], *averaged["interval"]))
    said = f"{mean:.2f} % (95 % interval {low:.2f} to {high:.2f})"
    yield Figure("fashion62k", page, said)
    sprint = summary("sprint99")
    low, high = (100 * bound for bound in sprint["interval"])
    mean, std, took = 100 * sprint["mean"], 100 * sprint["std"], sprint["seconds"]["median"]
    row = f"{sprint['parameters']:,} | {mean:.2f} % | {std:.2f} | {low:.2f} to {high:.2f} |"
    yield from _both("sprint99", f"| sprint99 | {row} {took:.1f}")
    yield Figure("sprint99", README, f"{sprint['ratio']:.2f} of a PyTorch epoch")
    yield Figure("sprint99", KOREAN, f"시간의 {sprint['ratio']:.2f}배")
    yield Figure("sprint99", page, f"a run takes {sprint['ratio']:.2f} times as long")
    share = 100 * run_records("cifar_small")[0].final.test_accuracy
    yield Figure("cifar_small", page, f"[{share:.2f} %](../results/cifar_small/table.md)")
    own = summary("cifar62k")
    low, high = own["interval"]
    said = f"(95 % interval {low:.2f} to {high:.2f}), in {own['training_seconds_median']:.1f} s"
    yield Figure("cifar62k", page, f"[{own['mean']:.2f} %](../results/cifar62k/table.md)")
    yield Figure("cifar62k", page, f"{said} per run")


@_made
def _how_fast() -> Iterator[Figure]:
    seconds = summary("bench")["seconds"]["lenet5"]
    ways = "this package", "PyTorch, NCHW", "PyTorch, channels_last", "PyTorch DataLoader"
    ours, *eager, loader = (seconds[way]["median"] for way in ways)
    said = f"takes {ours:.2f} s on two cores, where PyTorch takes {min(eager):.2f} s and with a"
    yield Figure("bench", README, f"{said} DataLoader {loader:.2f} s")
    said = f"{ours:.2f} s 걸립니다. PyTorch는 {min(eager):.2f} s, DataLoader를 쓰면 {loader:.2f} s"
    yield Figure("bench", KOREAN, said)


def _undisputed(record: str) -> str:
    """Return the accuracy without the disputed labels."""
    remarks = " ".join(summary(record)["remarks"])
    (found,) = re.findall(r"accuracy is ([\d.]+ % \(95 % interval [\d.]+ to [\d.]+)", remarks)
    return str(found)


@_made
def _robustness() -> Iterator[Figure]:
    told = {model["model"].partition(",")[0]: model for model in summary("robustness")["models"]}
    error, plain = (100 * told[name]["mean_error"] for name in ("Robust", "LeNet-5"))
    low, high = (100 * end for end in told["Robust"]["mean_interval"])
    yield Figure("robustness", README, f"{error:.2f} % of images corrupted in fifteen ways")
    interval = f"95 % interval {low:.2f} to {high:.2f}), LeNet-5 {plain:.2f} %"
    yield Figure("robustness", README, interval)
    yield Figure("robustness", KOREAN, f"이미지의 {error:.2f} %를")
    yield Figure("robustness", KOREAN, f"95 % 구간 {low:.2f}~{high:.2f}), LeNet-5는 {plain:.2f} %")
    table = (RESULTS / "robustness" / "table.md").read_text("utf-8").splitlines()
    rows = [row for row in table if row.startswith("|")]
    # In one, since a row alone may stand in another table.
    yield Figure("robustness", "docs/robustness.md", "\n".join(rows))


@_made
def _speed() -> Iterator[Figure]:
    ratio = summary("throughput")["ratio"]
    yield Figure("throughput", "docs/comparing.md", f"{ratio:.1f} times as fast")
    ratios = summary("loops")["ratio"]
    bare, lightning, skorch = (
        f"{ratios[way]['accelerate']:.1f}" for way in ("bare", "Lightning", "skorch")
    )
    said = f"{bare} times as fast as PyTorch in a bare loop, {lightning} times in Lightning"
    yield Figure("loops", "docs/kernels.md", said)
    yield Figure("loops", "docs/kernels.md", f"and {skorch} times in skorch")


@_made
def _reader() -> Iterator[Figure]:
    page, measured = "docs/recogniser.md", summary("reading")
    yield Figure("reading", page, f"--seed {measured['seed']} ")
    shares = {}
    for one in measured["readers"]["mnistlab"]:
        score = one["score"]
        shares[score["name"]] = right = f"{100 * score['right'] / score['pictures']:.1f} %"
        low, high = (f"{100 * bound:.1f}" for bound in score["interval"])
        cells = f"{right} | {low} to {high} | {score['sure']} | {score['sure_and_wrong']}"
        row = f"| {score['pictures']} | {cells} | {1000 * score['seconds']:.0f} ms |"
        yield Figure("reading", page, row)
    single, line = shares["other-single"], shares["other-line"]
    yield Figure("reading", README, f"reads {single} of photographs of one digit and {line} of")
    yield Figure("reading", KOREAN, f"사진은 {single}, 다섯 개를 찍은 사진은 {line}를")


@_made
def _strangers() -> Iterator[Figure]:
    page = "docs/recogniser.md"
    scores = {one["name"]: one for one in summary("handwriting")["scores"]}
    for kind in ("single", "several", "hard"):
        one = scores[kind]
        yield Figure("handwriting", page, f"| {one['pictures']} | {one['right']} |")
    whole = next(one for one in scores.values() if one["pictures"] == _STRANGERS)
    yield Figure("handwriting", page, f"of all | {_STRANGERS} | {whole['sure_and_wrong']} |")
    yield Figure("handwriting", page, f"sure of {whole['sure']} of the {_STRANGERS}")
    said = f"{whole['right']} of {_STRANGERS} pictures by strangers"
    yield Figure("handwriting", README, said)
    yield Figure("handwriting", KOREAN, f"{_STRANGERS}장 중 {whole['right']}장")


@_made
def _shipped() -> Iterator[Figure]:
    from mnistlab import Recogniser

    for name in shipped_models():
        about = Recogniser(name).network.metadata  # type: ignore[union-attr]
        row = f"{100 * about['test']['accuracy']:.2f} % | {about['temperature']:.2f} |"
        yield Figure("", "docs/recogniser.md", f"| `{name}` | {row}")


@_made
def _server() -> Iterator[Figure]:
    page, measured = "docs/server.md", summary("serving")
    for load in ("alone", "capacity", "nominal", "overload"):
        seen = measured[load]
        rates = f"{seen['asked']:.1f} | {seen['answered']:.1f} | {seen['refused']:.1f}"
        times = f"{seen['median']:.1f} ms | {seen['p99']:.1f} ms"
        yield Figure("serving", page, f"| {rates} | {times} |")
    yield Figure("serving", page, f"is {measured['ratio']:.2f} times that of the nominal load")


@_made
def _browser() -> Iterator[Figure]:
    page, measured = "docs/export.md", summary("browser")
    range_ = f"({measured['low']} to {measured['high']} ms in nine of ten readings)"
    yield Figure("browser", page, f"takes {measured['median']} ms {range_}")
    yield Figure("browser", page, f"the first one {measured['first']:.0f} ms")


_HEAD = """# Figures

Every figure of the README and the documents, with the record that it follows from and the command
that made that. This page is written by `python -m benchmarks.figures`, and a test checks that each
page still says what its record says. `make records` trains the published runs anew. `make speed`,
`make simulations` and `make torture` measure speed, statistics and reliability, and write their
tables into the documents themselves.
"""


def page() -> str:
    """Return docs/figures.md."""
    rows: dict[tuple[str, str], list[str]] = {}
    for record, where, text in figures():
        first, *rest = text.splitlines()
        said = f"{first} ... {rest[-1]}" if rest else text
        rows.setdefault((record, where), []).append(f"`{_unbroken(said).strip('| ')}`")
    lines = []
    for record in dict.fromkeys(record for record, _ in rows):
        made = f"`{summary(record)['command']}`" if record else "the models' own records"
        title = f"[{record}](../results/{record})" if record else "shipped models"
        lines += [f"\n## {title.partition(']')[0].strip('[')}\n", f"{title}, by {made}"]
        for (of, where), texts in rows.items():
            if of == record:
                link = where.removeprefix("docs/") if where.startswith("docs") else f"../{where}"
                lines += [f"\n[{where}]({link}):\n", *(f"- {text}" for text in texts)]
    return _HEAD + "\n".join(lines) + "\n"


@click.command("figures")
def main() -> None:
    """Say which figures are not as their records have them, and write docs/figures.md."""
    write_atomically(PAGE, page())
    wrong = [figure for figure in figures() if not figure.told]
    for record, where, text in wrong:
        click.echo(f"{where}: should say, by results/{record}: {_unbroken(text)}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
