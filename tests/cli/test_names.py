"""An empty name, such as a script's variable that was never set, is refused and never means the
current folder; an address is refused, since files are what is read."""

import pytest

from mnistlab.cli.app import app, run

COMMANDS = [
    "train ''",
    "repeat ''",
    "compare lenet5 ''",
    "ablate ''",
    "lr ''",
    "recipe show ''",
    "train lenet5 --run ''",
    "train lenet5 --out ''",
    "train lenet5 --data ''",
    "reproduce --out ''",
    "repeat lenet5 --runs ''",
    "compare lenet5 mlp --out ''",
    "compare lenet5 mlp --runs ''",
    "compare lenet5 mlp --data ''",
    "ablate lenet5 --out ''",
    "sweep ''",
    "sweep grid.toml --out ''",
    "report ''",
    "report . --out ''",
    "runs ''",
    "evaluate ''",
    "evaluate reader --data ''",
    "evaluate reader --out ''",
    "export '' model.onnx",
    "export run ''",
    "export run model.onnx --data ''",
    "predict ''",
    "predict picture.png --annotate ''",
    "predict picture.png --model ''",
    "serve --report ''",
    "serve --model ''",
    "data verify ''",
    "data show ''",
    "data show --out ''",
    "bench --json ''",
    "classify lenet5 ''",
    "classify '' picture.png",
    "doctor ''",
    "doctor lenet5 --data ''",
]


ADDRESS = "https://example.org/a//b"


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(("name", "said"), [("", "empty"), (ADDRESS, f"{ADDRESS} is an address")])
def test_it_is_refused_in_one_line(command, name, said, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert run(app, [name if part == "''" else part for part in command.split()]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert said in line
    assert list(tmp_path.iterdir()) == []
