"""A process that has loaded everything and forks a command at each call: many real processes,
without their start-up.

``python -m tests.forks`` reads one JSON object a line. ``{"call": "module:function",
...}`` starts a process and answers its number, ``{"wait": number}`` answers its exit status,
negative if a signal ended it.
"""

import atexit
import contextlib
import functools
import gc
import importlib
import json
import multiprocessing.util
import os
import runpy
import signal
import subprocess
import sys
import tempfile
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from mnistlab import load_dataset
from tests import figures
from tests.exporting.operators import remember_operators

ROOT = Path(__file__).parents[1]
PRELOADED = (
    "mnistlab.cli.app",
    "mnistlab.cli.session",
    "mnistlab.cli.progress",
    "mnistlab.experiments",
    "mnistlab.recogniser",
    "mnistlab.report.comparison_report",
    "mnistlab.report.evaluation_report",
    "mnistlab.report.robustness_report",
    "mnistlab.report.run_plots",
    "mnistlab.training",
    "onnxruntime",
    "statsmodels.stats.contingency_tables",
    "statsmodels.stats.power",
    "statsmodels.stats.proportion",
)
# Passive, since threads that spin while they wait take many times as long where cores are shared.
ENVIRONMENT = {"COLUMNS": "100", "OMP_WAIT_POLICY": "PASSIVE"}
PROGRAM = "mnistlab.cli.app:main"
SERVER = "tests.forks:serve"
PATIENCE = 240
"""Seconds after which what should have happened is given up."""
_SECONDS = 300
"""After which a process is ended."""
_FORKED = tuple(f"from multiprocessing.{module} import" for module in ("forkserver", "spawn"))


@dataclass(frozen=True)
class Ended:
    """How a process ended, like ``subprocess.CompletedProcess``."""

    returncode: int
    stdout: str
    stderr: str


class Fork:
    """A process that was started; ``pipe`` is its standard output, if that was to be one."""

    def __init__(self, forks, number, place, pipe=None):
        self._forks, self.number, self._place, self.pipe = forks, number, place, pipe
        self._ended = None

    @property
    def running(self):
        return _state(self.number) not in ("", "Z")

    @property
    def stdout(self):
        return self._place.with_suffix(".out").read_text(encoding="utf-8")

    def wait_for(self, text):
        """Wait until it has written a text on standard output."""
        deadline = time.monotonic() + 120
        while text not in self.stdout:
            assert time.monotonic() < deadline, f"{text!r} never came"
            time.sleep(0.002)

    def send(self, number):
        """Send a signal, which must be before :meth:`wait`."""
        os.kill(self.number, number)

    def pause(self):
        """Let it stand still until :meth:`go_on`."""
        self.send(signal.SIGSTOP)

    def wait_for_pause(self):
        """Wait until it stands still of its own accord."""
        deadline = time.monotonic() + 120
        while _state(self.number) != "T":
            assert time.monotonic() < deadline
            time.sleep(0.002)

    def go_on(self):
        self.send(signal.SIGCONT)

    def wait(self):
        """Wait for its end; what came through a pipe and was not read is its output."""
        if self._ended is None:
            output = self._read_pipe() if self.pipe else None
            status = self._forks.ask(wait=self.number)
            error = self._place.with_suffix(".err").read_text(encoding="utf-8")
            self._ended = Ended(status, self.stdout if output is None else output, error)
        return self._ended

    def _read_pipe(self):
        if self.pipe.closed:
            return ""
        with self.pipe:
            return self.pipe.read().decode()


def _state(number):
    """A process's state, one letter; none if there is no such process."""
    try:
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return ""


class Command:
    """A command started as a user does, a new interpreter, with the methods of :class:`Fork`; with
    ``session`` it and the processes that it starts are a process group."""

    def __init__(self, command, cwd, place, *, session=False, stderr=None):
        self._out, self._err = place.with_suffix(".out"), stderr or place.with_suffix(".err")
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = subprocess.Popen(
                [*map(str, command)],
                cwd=cwd,
                stdout=out,
                stderr=err,
                env=os.environ | {"COLUMNS": "100"},
                start_new_session=session,
            )
        self.number = self._process.pid
        _commands.append(self._process)

    @property
    def running(self):
        return self._process.poll() is None

    @property
    def stdout(self):
        return self._out.read_text(encoding="utf-8")

    def wait_for(self, text):
        """Wait until it has written a text on standard output, or has ended."""
        deadline = time.monotonic() + PATIENCE
        while text not in self.stdout and self.running:
            assert time.monotonic() < deadline, f"{text!r} never came"
            time.sleep(0.005)

    def send(self, number):
        self._process.send_signal(number)

    def wait(self):
        status = self._process.wait(PATIENCE)
        return Ended(status, self.stdout, self._err.read_text(encoding="utf-8"))


_commands = []


def end_commands():
    """Kill those commands that a failed test has left, and forget them all."""
    while _commands:
        process = _commands.pop()
        process.kill()
        process.wait()


class Forks:
    """Starts processes; ``folder`` keeps what they write."""

    def __init__(self, folder):
        self._folder, self._count = folder, 0
        self._parent = subprocess.Popen(
            [sys.executable, "-m", "tests.forks"],
            cwd=ROOT,
            env=os.environ | ENVIRONMENT | {"MNISTLAB_CACHE": str(folder / "cache")},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(  # noqa: PLR0913 - all that a process may be given
        self,
        *arguments,
        cwd,
        call=PROGRAM,
        fault=None,
        env=None,
        session=False,
        stdin=None,
        stdout=None,
        stderr=None,
        piped=False,
        seconds=_SECONDS,
        drawn=False,
    ):
        """Start ``mnistlab ARGUMENTS``, or another function, which finds its arguments in
        ``sys.argv``.

        Args:
            arguments: of the program.
            cwd: the current folder.
            call: the function, ``module:name``.
            fault: what goes wrong, see :mod:`tests.reliability.faults`.
            env: replaces the environment.
            session: the process and those that it starts are a process group.
            stdin: the bytes that it can read; none without.
            stdout: the file that it writes, such as a terminal's; one of its own without.
            stderr: likewise.
            piped: standard output is a pipe instead.
            seconds: after which it is ended.
            drawn: whether figures are, see :mod:`tests.figures`.
        """
        self._count += 1
        place = self._folder / str(self._count)
        files = [place.with_suffix(end) for end in (".in", ".out", ".err")]
        for file in files:
            if piped and file.suffix == ".out":
                os.mkfifo(file)
            else:
                file.write_bytes((stdin or b"") if file.suffix == ".in" else b"")
        # Opened before the other end, which would wait for it otherwise.
        reading = os.open(files[1], os.O_RDONLY | os.O_NONBLOCK) if piped else None
        request = {
            "call": call,
            "arguments": [*map(str, arguments)],
            "cwd": str(cwd),
            "fault": fault,
            "env": env and dict(env),
            "session": session,
            "files": [*map(str, (files[0], stdout or files[1], stderr or files[2]))],
            "seconds": seconds,
            "drawn": drawn,
        }
        number = self.ask(**request)
        if reading is None:
            return Fork(self, number, place)
        os.set_blocking(reading, True)
        return Fork(self, number, place, os.fdopen(reading, "rb"))

    def run(self, *arguments, **options):
        return self.start(*arguments, **options).wait()

    def ask(self, **request):
        print(json.dumps(request), file=self._parent.stdin, flush=True)
        return json.loads(self._parent.stdout.readline())

    def close(self):
        self._parent.communicate(timeout=60)


@functools.cache
def started():
    """Return the one that all tests share."""
    folder = tempfile.TemporaryDirectory()
    forks = Forks(Path(folder.name))
    # In the reverse order.
    atexit.register(folder.cleanup)
    atexit.register(forks.close)
    return forks


def run_main():
    """Run ``main.py`` with the arguments in ``sys.argv``."""
    runpy.run_path(str(ROOT / "main.py"), run_name="__main__")


def run_script():
    """Run the script that is the first of the arguments in ``sys.argv``, with the others."""
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")


def serve():
    """Run a server with the settings that the first argument holds, as JSON."""
    from mnistlab.server import Settings
    from mnistlab.server.launch import serve

    told = json.loads(sys.argv[1])
    report = told.pop("report", None)
    settings = Settings(**told, report=report and Path(report))
    serve(settings, lambda url: sys.stdout.write(f"at {url}\n") and sys.stdout.flush())


def run_without():
    """Run ``mnistlab`` as if the packages had not been installed that the first of its arguments
    names, parted by commas."""
    packages = sys.argv.pop(1).split(",")
    # The server's modules import such packages as they are loaded themselves.
    for name in [*sys.modules]:
        if name.partition(".")[0] in packages or name.startswith("mnistlab.server"):
            del sys.modules[name]
    sys.meta_path.insert(0, _Without(packages))
    importlib.import_module("mnistlab.cli.app").main()


class _Without:
    def __init__(self, packages):
        self._packages = packages

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self._packages:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _serve():
    gc.set_threshold(100_000, 20, 20)
    _load(PRELOADED)
    load_dataset("mnist")
    drawing = figures.stand_in()
    # What all forks share is not theirs to look through for garbage, nor to copy for that.
    gc.freeze()
    for line in sys.stdin:
        request = json.loads(line)
        for word in _LATER.keys() & {request.get("call"), *request.get("arguments", ())}:
            _LATER.pop(word)()
        if "wait" in request:
            answer = os.waitstatus_to_exitcode(os.waitpid(request["wait"], 0)[1])
        else:
            flags = (os.O_RDONLY, *[os.O_WRONLY | os.O_CREAT | os.O_NOCTTY] * 2)
            files = [os.open(*opened) for opened in zip(request["files"], flags, strict=True)]
            answer = os.fork()
            if answer == 0:
                if not request["drawn"]:
                    figures.use(drawing, setattr)
                _become(request, files)
            for file in files:
                os.close(file)
        sys.stdout.write(f"{json.dumps(answer)}\n")
        sys.stdout.flush()


def _load(modules):
    for module in modules:
        # What an extra lacks, or a later version calls otherwise, is not loaded before.
        with contextlib.suppress(ImportError):
            importlib.import_module(module)


def _export():
    """Export a network, for which much is loaded and read."""
    with contextlib.suppress(ImportError):
        remember_operators()


_load_server = functools.partial(_load, ("mnistlab.cli.serve", "mnistlab.server.launch"))
_LATER = {
    "export": _export,
    "serve": _load_server,
    SERVER: _load_server,
    "--mlflow": functools.partial(_load, ("mlflow", "mlflow.entities", "mlflow.exceptions")),
}
"""What is done before the first command that has a word."""


def _become(request, files):
    status = 1
    try:
        for descriptor, file in enumerate(files):
            os.dup2(file, descriptor)
        os.chdir(request["cwd"])
        sys.path.remove(str(ROOT))
        if request["env"] is not None:
            os.environ.clear()
            os.environ.update(request["env"])
        _open_streams()
        # As with a new process, whose parent would give it up.
        signal.alarm(request["seconds"])
        signal.signal(signal.SIGINT, signal.default_int_handler)
        sys.argv = ["mnistlab", *request["arguments"]]
        if request["session"]:
            os.setsid()
        _fork_interpreters()
        if request["fault"]:
            importlib.import_module("tests.reliability.faults").inject(**request["fault"])
        module, _, function = request["call"].partition(":")
        getattr(importlib.import_module(module), function)()
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError):
            sys.stdout.flush()
            sys.stderr.flush()
        # Not sys.exit: what the parent has registered for its own end is not the child's.
        os._exit(status)


def _open_streams():
    """Open them as an interpreter does, which looks at what kind of file each is."""
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "utf-8").partition(":")
    sys.stdin, sys.stdout, sys.stderr = (
        open(  # noqa: SIM115
            number, mode, buffering, encoding, errors, closefd=False
        )
        for number, mode, buffering, errors in (
            (0, "r", -1, errors or None),
            (1, "w", 1 if os.isatty(1) else -1, errors or None),
            (2, "w", 1, "backslashreplace"),
        )
    )


def _fork_interpreters():
    """Have this process's fork server, from which an experiment's workers are forked, and what it
    spawns with :mod:`multiprocessing` forked, too."""
    spawn = multiprocessing.util.spawnv_passfds

    def start(path, arguments, files):
        options = arguments[arguments.index("-c") :]
        if not options[1].startswith(_FORKED):
            return spawn(path, arguments, files)
        number = os.fork()
        if number == 0:
            _run_as_if_started(options, files)
        return number

    multiprocessing.util.spawnv_passfds = start


def _run_as_if_started(options, files):
    status = 1
    try:
        # What a new program would not have of the process that starts it.
        for number in {*signal.valid_signals()} - {signal.SIGINT}:
            if callable(signal.getsignal(number)):
                signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        opened = {int(file.name) for file in Path("/proc/self/fd").iterdir()}
        for file in opened - {0, 1, 2, *files}:
            with contextlib.suppress(OSError):
                os.close(file)
        sys.argv[:] = ["-c", *options[2:]]
        exec(options[1], {})
        status = 0
    except SystemExit as end:
        status = end.code or 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


if __name__ == "__main__":
    _serve()
