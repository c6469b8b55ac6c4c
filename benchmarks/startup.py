"""What starting costs: CPU of ``pixeltrack --help`` and of importing each part, against bare Python.

    python benchmarks/startup.py

CPU milliseconds (user and system), the least of several runs, each in its own process; the last column
is the ratio to ``python -c pass`` in the same run.
"""

from __future__ import annotations

import resource
import subprocess
import sys

ROUNDS = 9
CASES = {
    "python -c pass": ["-c", "pass"],
    "pixeltrack --help": ["-m", "pixeltrack", "--help"],
    "import click": ["-c", "import click"],
    "import pixeltrack.cli": ["-c", "import pixeltrack.cli"],
    "import pixeltrack.inject": ["-c", "import pixeltrack.inject"],
    "import pixeltrack.collector": ["-c", "import pixeltrack.collector"],
    "import pixeltrack.serve": ["-c", "import pixeltrack.serve"],
    "import pixeltrack.report": ["-c", "import pixeltrack.report"],
}


def cpu_ms(arguments: list[str]) -> float:
    """Return the CPU milliseconds of one process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) * 1000


def main() -> None:
    for arguments in CASES.values():  # once, so that byte code and files are there
        cpu_ms(arguments)
    least = {name: min(cpu_ms(arguments) for _ in range(ROUNDS)) for name, arguments in CASES.items()}
    bare = least["python -c pass"]
    for name, used in least.items():
        print(f"{name:<30} {used:7.0f} ms  {used / bare:5.1f} x")


if __name__ == "__main__":
    main()
