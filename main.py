"""The course project's command: ``python main.py --batch_size 128 --num_epochs 50``."""

import sys

try:
    from mnistlab.cli.app import run
    from mnistlab.cli.reproduce import reproduce
except ModuleNotFoundError as error:
    sys.exit(f"main.py: {error.name} is not installed; run 'pip install .' in this folder first")
except KeyboardInterrupt:
    sys.stderr.write("main.py: interrupted\n")
    sys.exit(130)

if __name__ == "__main__":
    sys.exit(run(reproduce, name="main.py"))
