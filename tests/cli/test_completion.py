"""Completion, asked as a shell asks."""

import pytest

from tests.cli.processes import MNISTLAB, run


def offered(words, tmp_path):
    """What bash would offer for the last of the words."""
    asking = {
        "_MNISTLAB_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    # Click finds its variable by the program's name, so this is the installed program.
    program = [str(MNISTLAB[0]).rpartition("/")[0] + "/mnistlab"]
    return run(*program, cwd=tmp_path, env=asking).stdout.split()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("mnistlab comp", {"plain,compare", "plain,completion"}),
        ("mnistlab compare cust", {"plain,custom_mlp"}),
        ("mnistlab compare lenet5 ml", {"plain,mlp"}),
        ("mnistlab train lenet5 --data fash", {"plain,fashion-mnist"}),
        ("mnistlab evaluate rea", {"plain,reader"}),
        ("mnistlab data verify kmn", {"plain,kmnist"}),
        ("mnistlab train my_rec", {"file,my_rec"}),
        ("mnistlab train lenet5 --kern", {"plain,--kernels"}),
    ],
)
def test_commands_options_and_names_are_offered(words, expected, tmp_path):
    assert set(offered(words, tmp_path)) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_gets_its_script(shell, tmp_path):
    result = run(*MNISTLAB, "completion", shell, cwd=tmp_path)
    assert result.returncode == 0
    assert f"_MNISTLAB_COMPLETE={shell}_complete" in result.stdout


def test_bash_takes_the_script(tmp_path):
    script = run(*MNISTLAB, "completion", "bash", cwd=tmp_path).stdout
    (tmp_path / "completion.sh").write_text(script, encoding="utf-8")
    result = run("bash", "-c", "source completion.sh && complete -p mnistlab", cwd=tmp_path)
    assert "-F _mnistlab_completion mnistlab" in result.stdout
