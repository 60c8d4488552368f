"""Many calls leave the process as it was: descriptors, threads, memory, objects.

$SKILLLITE_PYTHON_CALLS says how many.
"""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import MULTIPLY, SKILLS, WriteSkill, footprint

from skilllite import QueueFullError, SkillManager, _handles

CALLS = int(os.environ.get("SKILLLITE_PYTHON_CALLS", "600"))
AT_ONCE = 8
SAMPLES = 12


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


def growth(samples: Sequence[float]) -> float:
    """How much the line that fits the samples best rises from the first to the last."""
    count = len(samples)
    middle, mean = (count - 1) / 2, sum(samples) / count
    spread = sum((index - middle) ** 2 for index in range(count))
    return sum((index - middle) * (value - mean) for index, value in enumerate(samples)) / spread * (count - 1)


def test_the_fitted_line() -> None:
    assert growth([5, 5, 5, 5]) == 0
    assert growth([0, 10, 20, 30]) == pytest.approx(30)
    # One outlier in the middle is no growth.
    assert growth([5, 5, 90, 5, 5]) == pytest.approx(0)


@pytest.mark.parametrize("way", ["threads", "asyncio"])
def test_calls(write_skill: WriteSkill, way: str) -> None:
    with SkillManager(write_skill("true", ":\n", "bash")) as manager, ThreadPoolExecutor(AT_ONCE) as pool:

        async def many(count: int) -> None:
            for _ in range(count // AT_ONCE):
                results = await asyncio.gather(*(manager.aexecute("true") for _ in range(AT_ONCE)))
                assert all(result.ok for result in results)

        def run(count: int) -> None:
            if way == "asyncio":
                asyncio.run(many(count))
            else:
                assert all(result.ok for result in pool.map(lambda _: manager.execute("true"), range(count)))

        run(max(CALLS // 5, 100))
        memory: list[float] = []
        objects: list[float] = []
        gc.collect()
        before, start = footprint(), time.monotonic()
        for _ in range(SAMPLES):
            run(CALLS // SAMPLES)
            gc.collect()
            memory.append(resident_bytes())
            objects.append(len(gc.get_objects()))
        per_call = (time.monotonic() - start) * 1000 / CALLS
        grown = f"{growth(memory) / 1024:.0f} KiB and {growth(objects):.0f} objects"
        print(f"{CALLS} calls: {per_call:.2f} ms each, {grown} more")
        assert footprint() == before
        # malloc's arenas settle for some thousand calls of several threads. In 10,000 calls 100 bytes of each are seen.
        assert growth(memory) < 1 << 20, memory
        assert growth(objects) < 100, objects
        assert _handles.live() == {"engine": 1}


def test_what_the_library_gives_is_freed_once_it_is_read(write_skill: WriteSkill) -> None:
    skills = write_skill("large", "print(1)\n")
    (skills / "large" / "large.bin").write_bytes(b"x" * (1 << 20))
    with SkillManager(skills) as manager:
        memory: list[float] = []
        for _ in range(SAMPLES):
            for _ in range(10):
                assert len(manager.read_resource("large", "large.bin")) == 1 << 20
            memory.append(resident_bytes())
        assert growth(memory[2:]) < 8 << 20, memory


def test_200_calls_at_once_in_threads() -> None:
    with SkillManager(SKILLS) as manager, ThreadPoolExecutor(200) as pool:
        results = list(pool.map(lambda n: manager.execute("calculator", {**MULTIPLY, "b": n}), range(200)))
        assert [result.output["result"] for result in results] == [15 * n for n in range(200)]


def test_200_calls_at_once_in_an_event_loop_take_no_threads() -> None:
    async def many(manager: SkillManager) -> None:
        _, threads = footprint()
        calls = [asyncio.ensure_future(manager.aexecute("calculator", {**MULTIPLY, "b": n})) for n in range(200)]
        await asyncio.wait(calls, return_when=asyncio.FIRST_COMPLETED)
        assert footprint()[1] <= threads + 1
        assert [(await call).output["result"] for call in calls] == [15 * n for n in range(200)]

    with SkillManager(SKILLS, config={"max_running": 200}) as manager:
        manager.execute("calculator", MULTIPLY)
        asyncio.run(many(manager))


def test_managers_come_and_go() -> None:
    with SkillManager(SKILLS / "calculator") as manager:
        manager.execute("calculator", MULTIPLY)
    before = footprint()
    for _ in range(20):
        SkillManager(SKILLS / "calculator").execute("calculator", MULTIPLY)
    gc.collect()
    assert footprint() == before


def test_1000_managers_that_run_nothing() -> None:
    before = footprint()
    for _ in range(1000):
        SkillManager().close()
    assert footprint() == before


def test_1000_calls_that_are_given_up(write_skill: WriteSkill) -> None:
    config = {"max_running": 4, "max_queued": 900}
    with SkillManager(write_skill("sleeper", "import signal\nsignal.pause()\n"), config=config) as manager:
        manager.execute("sleeper", timeout=0.1)
        before = footprint()
        calls = []
        with pytest.raises(QueueFullError):
            for _ in range(1000):
                calls.append(manager.start("sleeper"))
        # Those that run, and those that never began.
        for call in calls[::2]:
            call.cancel()
        for call in calls:
            call.close()
        assert len(calls) >= 900
        # What a call had is closed by the engine's thread, soon.
        deadline = time.monotonic() + 30
        while footprint() > before and time.monotonic() < deadline:
            time.sleep(0.01)
        assert footprint() <= before
