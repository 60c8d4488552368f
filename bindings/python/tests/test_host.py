"""The binding as a guest in its process: threads, fork, signals, and nothing left behind."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import MULTIPLY, SKILLS, WriteSkill, ctrl_c

import skilllite
from skilllite import ForkedError, SkillManager, _handles

SOURCE = Path(skilllite.__file__).resolve().parents[1]


def python(code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that may use the package; anything on its stderr is a failure."""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", code, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert (ended.stderr, ended.returncode) == ("", 0)
    return ended


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
    with ctrl_c():
        sleeper.execute("sleeper", {})
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


def host_state() -> dict[str, Any]:
    """What of this process the library must leave as it is."""
    kept = r"^(?:Umask|Sig(?:Blk|Ign|Cgt)|NoNewPrivs|Seccomp|Cap\w+|[UG]id|Groups):.*$"
    numbers = sorted(set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP})
    return {
        "status": re.findall(kept, Path("/proc/self/status").read_text("ascii"), re.M),
        "limits": Path("/proc/self/limits").read_text("ascii"),
        "mounts": Path("/proc/self/mountinfo").read_text("utf-8"),
        "children": "".join(task.read_text("ascii") for task in Path("/proc/self/task").glob("*/children")),
        "handlers": [signal.getsignal(number) for number in numbers],
        "mask": signal.pthread_sigmask(signal.SIG_BLOCK, []),
        "folder": Path.cwd(),
        "environment": dict(os.environ),
    }


def test_the_hosts_state_stays_as_it_is() -> None:
    before = host_state()
    with SkillManager(SKILLS) as manager:
        calls = [manager.start("calculator", {**MULTIPLY, "b": n}) for n in range(50)]
        assert host_state() == before
        for n, call in enumerate(calls):
            with call:
                assert call.wait().output["result"] == 15 * n
        assert host_state() == before
    assert host_state() == before


def test_children_of_the_host_get_nothing_of_the_library(sleeper: SkillManager) -> None:
    def descriptors() -> int:
        listing = ["sh", "-c", "ls /proc/self/fd"]
        return len(subprocess.run(listing, stdout=subprocess.PIPE, close_fds=False, check=True).stdout.split())

    before = descriptors()
    with sleeper.start("sleeper", {}):
        assert descriptors() == before


def test_a_thread_that_waits_for_every_child_takes_no_call(manager: SkillManager) -> None:
    taken: list[int] = []

    def reap() -> None:
        while True:
            try:
                taken.append(os.waitpid(-1, 0)[0])
            except ChildProcessError:
                if is_over.wait(0.001):
                    return

    is_over = threading.Event()
    with ThreadPoolExecutor(9) as pool:
        reaping = pool.submit(reap)
        results = list(pool.map(lambda _: manager.execute("calculator", MULTIPLY), range(50)))
        own = os.posix_spawn("/bin/true", ["true"], os.environ)
        while own not in taken:
            time.sleep(0.001)
        is_over.set()
        reaping.result(30)
    assert all(result.ok for result in results)
    assert taken == [own]


def test_a_call_outlives_the_thread_that_started_it(write_skill: WriteSkill) -> None:
    with SkillManager(write_skill("patient", "import time\ntime.sleep(0.5)\nprint('done')\n")) as manager:
        started = []
        thread = threading.Thread(target=lambda: started.append(manager.start("patient")))
        thread.start()
        thread.join()
        with started.pop() as call:
            assert call.wait(30).text == "done\n"


def test_a_signal_every_millisecond_harms_no_call(manager: SkillManager) -> None:
    ticks: list[int] = []
    with handler(signal.SIGALRM, lambda number, _frame: ticks.append(number)):
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        try:
            for _ in range(10):
                assert manager.execute("calculator", MULTIPLY).output["result"] == 405
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    assert ticks


@pytest.mark.parametrize(
    ("script", "size"),
    [
        ("import sys\nsys.stdout.write(sys.stdin.read())\n", 600_013),
        ("import sys\nprint('x' * 400_000)\nsys.stdout.write(str(len(sys.stdin.read())))\n", 400_007),
        ("import os\nos.close(0)\n", 0),
    ],
    ids=["both ways", "speaks before it listens", "does not listen"],
)
def test_much_input_and_output(write_skill: WriteSkill, script: str, size: int) -> None:
    with SkillManager(write_skill("much", script)) as manager:
        result = manager.execute("much", {"x": "y" * 600_000})
    assert result.ok
    assert abs(len(result.text) - size) < 10


def test_calls_are_cancelled_before_they_start(write_skill: WriteSkill) -> None:
    skills = write_skill("sleeper", "import signal\nsignal.pause()\n")
    with SkillManager(skills, config={"max_running": 1}) as manager, manager.start("sleeper") as running:
        with manager.start("sleeper") as waiting:
            waiting.cancel()
            assert waiting.wait(30).status == "cancelled"
        assert running.result is None


def test_closed_standard_descriptors_are_no_one_elses(tmp_path: Path) -> None:
    code = (
        "import asyncio, os, sys, skilllite\n"
        "for fd in range(3):\n"
        "    os.close(fd)\n"
        "call = ('calculator', {'operation': 'multiply', 'a': 15, 'b': 27})\n"
        "with skilllite.SkillManager(sys.argv[1]) as manager:\n"
        "    results = [manager.execute(*call), asyncio.run(manager.aexecute(*call))]\n"
        "with open(sys.argv[2], 'w') as file:\n"
        "    print(*(result.output['result'] for result in results), file=file)\n"
        "os._exit(0)\n"
    )
    python(code, str(SKILLS), str(tmp_path / "said"))
    assert (tmp_path / "said").read_text("ascii") == "405 405\n"


def test_a_killed_host_leaves_no_script(write_skill: WriteSkill) -> None:
    span = f"{10**8 + os.getpid()}"
    skills = write_skill("orphan", f"import subprocess\nsubprocess.run(['setsid', 'sleep', '{span}'])\n")
    code = "import sys, skilllite\nskilllite.SkillManager(sys.argv[1]).execute('orphan')\n"

    def runs() -> bool:
        found = False
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):  # it may have ended by now
                found = found or command.read_bytes() == f"sleep\0{span}\0".encode()
        return found

    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen([sys.executable, "-c", code, str(skills)], env=environment) as host:
        while not runs():
            assert host.poll() is None
            time.sleep(0.01)
        host.kill()
    deadline = time.monotonic() + 30
    while runs():
        assert time.monotonic() < deadline, "the script is still there"
        time.sleep(0.01)


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
