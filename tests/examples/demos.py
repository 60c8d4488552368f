"""Runs the demos in a copy of what they need of the checkout, each time with a .env of its own.

usage: demos.py AIMOCK PYTHON        (a folder with the mock of the vendors; an interpreter that has the package openai)
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
AIMOCK, VENDORS = sys.argv[1:]
LONG, MINIMAL, CHAT = "simple_demo.py", "simple_demo_minimal.py", "simple_demo_v2.py"
MOCKED = "no BASE_URL configured: talking to a scripted mock, not to a model"
QUESTION = "What is 15 times 27?"
CLIENTS = {"standard library": sys.executable, "the package openai": VENDORS}

passed = failed = 0


def check(name: str, is_so: bool, seen: object = "") -> None:
    global passed, failed
    if is_so:
        passed += 1
    else:
        failed += 1
        print(f"FAILED: {name}\n{seen}")


class Checkout:
    """A copy of the demos beside the project's skills."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "examples/python", folder / "examples/python")
        shutil.copytree(ROOT / "skills", folder / "skills")
        (folder / "bindings").symlink_to(ROOT / "bindings")

    def run(self, demo: str, *words: str, typed: str = "", python: str = sys.executable, **environment: str) -> subprocess.CompletedProcess[str]:
        keep = {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "SKILLLITE_LIBRARY", "PYENV_VERSION")}
        # This interpreter may have the package openai, and must not find it.
        hidden = {"PYTHONPATH": str(self.folder / "without")} if python == sys.executable else {}
        command = [python, "-B", str(self.folder / "examples/python" / demo), *words]
        return subprocess.run(command, input=typed, text=True, capture_output=True, timeout=120, env={**keep, **hidden, **environment})

    def write(self, *lines: str) -> None:
        """The .env; without lines there is none."""
        file = self.folder / ".env"
        file.unlink(missing_ok=True)
        if lines:
            file.write_text("\n".join(lines) + "\n", "utf-8")


def ends(run: subprocess.CompletedProcess[str], text: str) -> bool:
    return run.returncode == 0 and run.stdout.rstrip().endswith(text)


@contextlib.contextmanager
def server(*command: str) -> Iterator[str]:
    """A server that prints its address, and ends with its standard input or by a signal."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None and process.stdin is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()
            process.terminate()


def without_a_model(checkout: Checkout) -> None:
    checkout.write()
    for demo in (LONG, MINIMAL, CHAT):
        run = checkout.run(demo, QUESTION)
        check(f"{demo} says that there is no model", run.stdout.startswith(MOCKED), run)
        check(f"{demo} gives what the skill computed", ends(run, "The tool says: 405."), run)
    run = checkout.run(LONG, "Reverse 'desserts'.")
    check("the mock knows a second tool", ends(run, 'The tool says: "stressed".'), run)
    run = checkout.run(LONG, "What is the weather?")
    check("what the mock does not know it says", "I am a scripted mock" in run.stdout, run)
    run = checkout.run(CHAT, QUESTION, "Count 'a b'.")
    check("a chat has several questions", "405" in run.stdout and '"words": 2' in run.stdout, run)
    run = checkout.run(CHAT, typed=f"{QUESTION}\n\n")
    check("questions are typed", ends(run, "The tool says: 405."), run)
    for said, read in (("y", "The tool says: 405."), ("n", "the person said no."), ("", "the person said no.")):
        run = checkout.run(CHAT, "--ask", QUESTION, typed=said)
        check(f"the person says '{said}'", "run it? [y/N]" in run.stdout and ends(run, read), run)
    # The example as it is, is as good as none.
    shutil.copy(ROOT / ".env.example", checkout.folder / ".env")
    run = checkout.run(MINIMAL)
    check(".env.example is read", run.stdout.startswith(MOCKED) and ends(run, "The tool says: 405."), run)


def bounds(checkout: Checkout) -> None:
    checkout.write("EXECUTION_TIMEOUT=0.001")
    run = checkout.run(LONG, QUESTION)
    check("a bound of .env holds", '"status":"timeout"' in run.stdout, run)
    checkout.write("MIN_TIER=best")
    run = checkout.run(LONG, QUESTION)
    check("a tier that is none is refused", run.returncode != 0 and "min_tier" in run.stderr, run)
    checkout.write()
    run = checkout.run(LONG, QUESTION, MIN_TIER="best", EXECUTION_TIMEOUT="0.001", ALLOW_NETWORK="*")
    check("the environment bounds nothing and allows nothing", ends(run, "The tool says: 405."), run)
    checkout.write("ALLOW_NETWORK = 'example.org:443, example.com:80' # two", 'MAX_MEMORY_MB="64"', "export SKILLS_DIR=elsewhere")
    code = "from settings import Settings; s = Settings.read(); print(s.policy, s.skills_dir.name)"
    (checkout.folder / "examples/python/show.py").write_text(code, "utf-8")
    run = checkout.run("show.py")
    policy = "{'network': ['example.org:443', 'example.com:80'], 'limits': {'memory_bytes': 67108864}} elsewhere"
    check("quotes and comments are understood", ends(run, policy), run)
    checkout.write("# a typing error", "BASEURL=http://127.0.0.1:9/v1")
    run = checkout.run(LONG)
    check("an unknown key is told with its line", run.returncode != 0 and ".env:2: 'BASEURL'" in run.stderr, run)
    checkout.write("BASE_URL=http://127.0.0.1:9/v1")
    run = checkout.run(LONG)
    check("an endpoint needs a model", run.returncode != 0 and "MODEL is not" in run.stderr, run)


def with_a_model(checkout: Checkout, client: str, python: str) -> None:
    with server("node", str(ROOT / "tests/e2e/mock.mjs"), AIMOCK) as url:
        checkout.write(f"BASE_URL={url}/v1/", "API_KEY=none", "MODEL=mock-model")
        for demo in (LONG, MINIMAL, CHAT):
            run = checkout.run(demo, "How much is 81 times 5?", python=python)
            check(f"{client}, {demo}: the answer", ends(run, "It is 405."), run)
            is_told = run.stdout.startswith(f"talking to mock-model at {url}/v1 with ") and client.split()[-1] in run.stdout.splitlines()[0]
            check(f"{client}, {demo}: who was asked", is_told, run)
        run = checkout.run(LONG, "Do two at once.", python=python)
        check(f"{client}: two calls at once", ends(run, "405 and cba.") and run.stdout.count("result:") == 2, run)
        # The environment goes before the file.
        checkout.write("BASE_URL=http://127.0.0.1:9/v1", "MODEL=mock-model")
        run = checkout.run(MINIMAL, "How much is 81 times 5?", python=python, BASE_URL=f"{url}/v1", API_KEY="none")
        check(f"{client}: an address in the environment", ends(run, "It is 405."), run)
    # This one looks at the key and the name of the model.
    for how, demo, answer in (("whole", LONG, "It is 405 – 就是这样."), ("stream", CHAT, "It is 405 – 就是这样.")):
        with server(sys.executable, str(ROOT / "tests/install/model.py"), how) as url:
            checkout.write(f"BASE_URL={url}", "API_KEY='test-key'", "MODEL=test-model")
            run = checkout.run(demo, QUESTION, python=python, PYTHONUTF8="1")
            check(f"{client}, {demo}: key, model, Unicode", ends(run, answer), run)
    with server(sys.executable, str(ROOT / "tests/install/model.py"), "error") as url:
        checkout.write(f"BASE_URL={url}", "API_KEY=test-key", "MODEL=test-model")
        for demo in (LONG, MINIMAL, CHAT):
            run = checkout.run(demo, QUESTION, python=python)
            is_told = run.returncode == 1 and "quota exceeded for today" in run.stderr and "Traceback" not in run.stderr
            check(f"{client}, {demo}: the vendor's words", is_told, run)
    run = checkout.run(LONG, QUESTION, python=python)
    check(f"{client}: nobody is there", run.returncode == 1 and url in run.stderr and "Traceback" not in run.stderr, run)


def an_honest_mock(checkout: Checkout) -> None:
    """The mock repeats what the skill gives, whatever that is."""
    checkout.write()
    script = checkout.folder / "skills/calculator/scripts/main.py"
    script.write_text("print('{\"result\": 406}')\n", "utf-8")
    run = checkout.run(MINIMAL, QUESTION)
    check("another skill, another answer", ends(run, "The tool says: 406."), run)
    shutil.rmtree(checkout.folder / "skills/calculator")
    run = checkout.run(LONG, QUESTION)
    check("without the skill there is no answer", "I am a scripted mock" in run.stdout and "405" not in run.stdout, run)


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        checkout = Checkout(Path(folder))
        (checkout.folder / "without").mkdir()
        (checkout.folder / "without/openai.py").write_text("raise ModuleNotFoundError('openai')\n", "utf-8")
        without_a_model(checkout)
        bounds(checkout)
        for client, python in CLIENTS.items():
            with_a_model(checkout, client, python)
        an_honest_mock(checkout)
    print(f"tests/examples: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
