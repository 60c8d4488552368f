"""Takes turns with a host in C, so that a machine whose speed drifts slows both alike. Started by benches/python."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Awaitable, Sequence
from typing import Any, Callable

from skilllite import SkillManager

WARM_UP = 100
MULTIPLY = {"operation": "multiply", "a": 15, "b": 27}

# Milliseconds on the clock, and of processors.
Took = tuple[float, float]


def quantile(values: Sequence[float], share: float) -> float:
    """The value that a share is below. A tenth tells of a busy machine what it is like when nobody else runs."""
    return sorted(values)[int(len(values) * share)]


def timed(work: Callable[[], object]) -> Took:
    start, used = time.perf_counter(), time.process_time()
    work()
    return (time.perf_counter() - start) * 1e3, (time.process_time() - used) * 1e3


async def timed_in_loop(work: Callable[[], Awaitable[object]]) -> Took:
    """As `timed`, without what it takes to start and stop the loop."""
    start, used = time.perf_counter(), time.process_time()
    await work()
    return (time.perf_counter() - start) * 1e3, (time.process_time() - used) * 1e3


def compare(host: str, folder: str, tool: str, arguments: dict[str, Any], rounds: int) -> None:
    loop = asyncio.new_event_loop()
    command = [host, folder, tool, json.dumps(arguments)]
    with (
        SkillManager(folder) as manager,
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        stdin, stdout = child.stdin, child.stdout

        def in_c() -> Took:
            stdin.write("\n")
            wall, used = map(float, stdout.readline().split())
            return wall, used

        variants: dict[str, Callable[[], Took]] = {
            "C": in_c,
            "Python": lambda: timed(lambda: manager.execute(tool, arguments)),
            "Python, asyncio": lambda: loop.run_until_complete(
                timed_in_loop(lambda: manager.aexecute(tool, arguments))
            ),
        }
        took: dict[str, list[Took]] = {name: [] for name in variants}
        for turn in range(-WARM_UP, rounds):
            for name, run in variants.items():
                one = run()
                if turn >= 0:
                    took[name].append(one)
        stdin.close()
    loop.close()
    walls, used = ({name: [one[kind] for one in all_of] for name, all_of in took.items()} for kind in (0, 1))
    print(f"{tool}: {quantile(walls['C'], 0.5):.3f} ms in C, the median of {rounds}")
    for name in list(variants)[1:]:
        ratio = quantile(walls[name], 0.5) / quantile(walls["C"], 0.5)
        median, tenth = (quantile(walls[name], share) - quantile(walls["C"], share) for share in (0.5, 0.1))
        processor = quantile(used[name], 0.5) - quantile(used["C"], 0.5)
        print(
            f"    {name}: {ratio:.3f} times as long; {median:.3f} ms more, {tenth:.3f} ms in the best tenth, "
            f"{processor:.3f} ms of processor"
        )


def main() -> None:
    host, skills, bench_skills, rounds = sys.argv[1:]
    compare(host, bench_skills, "true", {}, int(rounds))
    compare(host, skills, "calculator", MULTIPLY, int(rounds))
    print("promised: at most 0.2 ms more than C in the median, on a machine that is otherwise idle")


if __name__ == "__main__":
    main()
