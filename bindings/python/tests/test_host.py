"""The binding as a guest in its process: threads, fork, signals, and nothing left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from conftest import MULTIPLY, SKILLS

import skilllite
from skilllite import ForkedError, SkillManager, _handles

SOURCE = Path(skilllite.__file__).resolve().parents[1]


def footprint() -> tuple[int, int]:
    """Open descriptors and threads of this process."""
    return len(list(Path("/proc/self/fd").iterdir())), len(list(Path("/proc/self/task").iterdir()))


def resident_bytes() -> int:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * resource.getpagesize()


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that may use the package; anything on its stderr is a failure."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert (ended.stderr, ended.returncode) == ("", 0)
    return ended


def test_200_concurrent_calls() -> None:
    with SkillManager(SKILLS) as manager:
        with ThreadPoolExecutor(200) as pool:
            results = list(pool.map(lambda n: manager.execute("calculator", {**MULTIPLY, "b": n}), range(200)))
        assert [result.output["result"] for result in results] == [15 * n for n in range(200)]


def test_500_sequential_calls_leave_nothing() -> None:
    with SkillManager(SKILLS) as manager:
        for _ in range(50):
            manager.execute("calculator", MULTIPLY)
        gc.collect()
        before, memory = footprint(), resident_bytes()
        for _ in range(500):
            assert manager.execute("calculator", MULTIPLY).output["result"] == 405
        gc.collect()
        assert footprint() == before
        assert resident_bytes() - memory < 4 << 20
        assert _handles.live() == {"engine": 1}


def test_managers_come_and_go() -> None:
    with SkillManager(SKILLS / "calculator") as manager:
        manager.execute("calculator", MULTIPLY)
    before = footprint()
    for _ in range(20):
        SkillManager(SKILLS / "calculator").execute("calculator", MULTIPLY)
    gc.collect()
    assert footprint() == before


def test_cancel_from_another_thread(sleeper: SkillManager) -> None:
    with sleeper.start("sleeper", {}) as call, ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(call.wait) for _ in range(3)]
        pool.submit(call.cancel).result()
        assert [future.result(30).status for future in waiting] == ["cancelled"] * 3


def test_close_while_another_thread_waits(sleeper: SkillManager) -> None:
    call = sleeper.start("sleeper", {})
    entered, closed = threading.Event(), threading.Event()

    def wait() -> str:
        with call._handle:  # as every method does, so that the close below surely meets a user
            entered.set()
            closed.wait()
            assert _handles.live()["call"] == 1
            return call.wait().status

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait)
        entered.wait()
        call.close()
        closed.set()
        with pytest.raises(skilllite.ClosedError):
            waiting.result(30)


def test_waiting_without_a_descriptor_left(sleeper: SkillManager) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with sleeper.start("sleeper", {}) as call, contextlib.ExitStack() as stack:
        stack.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
        with contextlib.suppress(OSError):
            while True:
                stack.callback(os.close, os.open("/dev/null", os.O_RDONLY))
        assert call.fileno() == -1
        before = time.monotonic()
        with pytest.raises(skilllite.WaitTimeoutError):
            call.wait(0.2)
        assert time.monotonic() - before >= 0.2
        threading.Timer(0.1, call.cancel).start()
        assert call.wait().status == "cancelled"


def test_other_threads_go_on_during_a_call(sleeper: SkillManager) -> None:
    ticks = 0
    with sleeper.start("sleeper", {}) as call, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(call.wait)
        while ticks < 100_000:
            ticks += 1
        assert not waiting.done()
        call.cancel()
        waiting.result(30)


def test_ctrl_c_ends_a_call(sleeper: SkillManager) -> None:
    before = _handles.live()
    # A job in the background of a shell ignores it.
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(0.3, os.kill, [os.getpid(), signal.SIGINT])
    with pytest.raises(KeyboardInterrupt):
        timer.start()
        sleeper.execute("sleeper", {})
    timer.join()
    signal.signal(signal.SIGINT, handler)
    assert _handles.live() == before


def test_the_manager_is_of_no_use_in_a_forked_child(sleeper: SkillManager) -> None:
    call = sleeper.start("sleeper", {})
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        answers = []
        for use in (lambda: sleeper.skills, lambda: sleeper.execute("sleeper", {}), call.wait, call.cancel):
            try:
                use()
                answers.append("worked")
            except ForkedError:
                answers.append("forked")
            except BaseException as error:
                answers.append(repr(error))
        call.close()
        sleeper.close()
        del call, sleeper
        gc.collect()
        with SkillManager(SKILLS) as own:  # the child makes its own
            answers.append(str(own.execute("calculator", MULTIPLY).output["result"]))
        os.write(writer, " ".join(answers).encode())
        os._exit(0)
    os.close(writer)
    assert os.read(reader, 1000) == b"forked forked forked forked 405"
    os.close(reader)
    assert os.waitpid(child, 0) == (child, 0)
    assert call.result is None  # the parent's call still runs
    call.cancel()
    assert call.wait(30).status == "cancelled"
    call.close()


@contextlib.contextmanager
def handler(number: signal.Signals, action: object) -> Iterator[None]:
    previous = signal.signal(number, action)  # type: ignore[arg-type]
    try:
        yield
    finally:
        signal.signal(number, previous)


def test_signals_and_children_of_the_host_are_left_alone(manager: SkillManager) -> None:
    numbers = sorted(set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP})
    actions = {number: signal.getsignal(number) for number in numbers}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    with ThreadPoolExecutor(11) as pool:
        own = [pool.submit(subprocess.run, ["sh", "-c", f"exit {n}"], check=False) for n in range(30)]
        calls = [pool.submit(manager.execute, "calculator", MULTIPLY) for _ in range(50)]
        assert [future.result(60).returncode for future in own] == list(range(30))
        assert all(future.result(60).ok for future in calls)
    assert {number: signal.getsignal(number) for number in numbers} == actions
    assert signal.pthread_sigmask(signal.SIG_BLOCK, []) == mask


def test_no_sigchld_reaches_the_host(manager: SkillManager) -> None:
    seen: list[int] = []
    with handler(signal.SIGCHLD, lambda number, _frame: seen.append(number)):
        for _ in range(10):
            assert manager.execute("calculator", MULTIPLY).ok
        assert seen == []
    with handler(signal.SIGCHLD, signal.SIG_IGN):
        assert manager.execute("calculator", MULTIPLY).ok
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_clean_end_of_the_interpreter() -> None:
    code = (
        "import sys, skilllite\n"
        "manager = skilllite.SkillManager(sys.argv[1])\n"
        "call = manager.start('calculator', {'operation': 'add', 'a': 1, 'b': 2})\n"
        "print(manager.execute('calculator', {'operation': 'add', 'a': 1, 'b': 2}).output['result'])\n"
        "manager.cycle = manager\n"  # left to the end of the interpreter
    )
    assert python(code, str(SKILLS)).stdout == "3\n"


def test_a_thread_may_still_wait_when_the_interpreter_ends(tmp_path: Path) -> None:
    folder = tmp_path / "sleeper"
    (folder / "scripts").mkdir(parents=True)
    (folder / "SKILL.md").write_text("---\nname: sleeper\ndescription: Sleeps\n---\n", "utf-8")
    (folder / "scripts" / "main.py").write_text("import signal\nsignal.pause()\n", "utf-8")
    code = (
        "import sys, threading, skilllite\n"
        "manager = skilllite.SkillManager(sys.argv[1])\n"
        "call = manager.start(manager.skills[0].tools[0], {})\n"
        "threading.Thread(target=call.wait, daemon=True).start()\n"
        "print('end')\n"
    )
    assert python(code, str(folder)).stdout == "end\n"
