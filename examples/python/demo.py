#!/usr/bin/env python3
"""A host of SkillLite in Python: loads skills, shows their tools, makes calls, and shows what a hostile skill gets.

    python3 demo.py --skills ../../skills --demo ../demo [--packages DIR]

It ends with exit code 1 when a result is not what it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import socket
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import skilllite
from skilllite import Result, SkillManager

VARIABLE = "DEMO_API_KEY"
SECRET = "sk-demo-5f1d0c7be2"


class Page:
    """Prints aligned lines; in colour where a terminal looks and NO_COLOR is not set. Remembers what went wrong."""

    def __init__(self) -> None:
        self.width = min(shutil.get_terminal_size((100, 24)).columns, 110)
        self.has_colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"
        self.failures: list[str] = []

    def paint(self, code: str, text: str) -> str:
        return f"\033[{code}m{text}\033[0m" if self.has_colour else text

    def heading(self, text: str, aside: str = "") -> None:
        print(f"\n{self.paint('1', text)}  {self.paint('2', aside) if aside else ''}".rstrip())

    def row(self, name: str, text: str, column: int = 16, code: str = "36") -> None:
        """A name and what is to say about it, in one line."""
        room = self.width - max(column, len(name)) - 3
        text = text if len(text) <= room else text[: room - 2].rstrip() + " …"
        print(f"  {self.paint(code, name.ljust(column))} {text}")

    def note(self, text: str) -> None:
        for line in textwrap.wrap(text, self.width - 4):
            print(f"    {self.paint('2', line)}")

    def verdict(self, is_right: bool, text: str) -> None:
        """A line that says whether something is as it should be."""
        mark = self.paint("32", "✓") if is_right else self.paint("1;31", "✗")
        print(f"  {mark} {text}")
        if not is_right:
            self.failures.append(text)


def main() -> int:
    parser = argparse.ArgumentParser(description="Shows SkillLite at work")
    parser.add_argument("--skills", type=Path, required=True, help="the folder of skills")
    parser.add_argument("--demo", type=Path, required=True, help="the folder with orders.csv and hostile-skill")
    parser.add_argument("--packages", type=Path, help="a folder of third-party skills")
    options = parser.parse_args()
    # A terminal of another encoding gets question marks instead of an exception.
    sys.stdout.reconfigure(errors="replace", line_buffering=True)  # type: ignore[union-attr]
    # What a host has in its environment; no script must see it.
    os.environ[VARIABLE] = SECRET

    page = Page()
    show_host(page)
    with SkillManager(options.skills) as manager:
        show_tools(page, manager)
        make_calls(page, manager, (options.demo / "orders.csv").read_bytes())
        answer_an_llm(page, manager)
    if options.packages:
        run_third_party(page, options.packages)
    run_hostile(page, options.demo / "hostile-skill")
    print()
    if page.failures:
        print(page.paint("1;31", f"{len(page.failures)} not as it should be: {'; '.join(page.failures)}"))
        return 1
    print(page.paint("1;32", "Everything is as it should be."))
    return 0


def show_host(page: Page) -> None:
    report = skilllite.probe()
    page.heading("This host", f"SkillLite {skilllite.version()}, {report.platform}, user {os.getuid()}")
    page.row("isolation", report.tier or "none: nothing will run")
    for obstacle in report.obstacles:
        page.row(f"not {obstacle.tier}", obstacle.cause)
        page.note(obstacle.remedy)


def show_tools(page: Page, manager: SkillManager) -> None:
    tools = manager.get_tools()
    page.heading("Tools for an LLM", f"{len(tools)} of {len(manager.skills)} skills")
    for tool in tools:
        page.row(tool["function"]["name"], tool["function"]["description"])


def make_calls(page: Page, manager: SkillManager, orders: bytes) -> None:
    page.heading("Calls")
    multiply = {"operation": "multiply", "a": 15, "b": 27}
    result = show_call(page, manager, "calculator", multiply)
    page.verdict(result.ok and result.output["result"] == 405, f"result: {result.output['result']}")

    count = {"text": "One sandbox. Many skills!", "operation": "count"}
    result = show_call(page, manager, "text-processor", count)
    statistics = result.output["statistics"]
    is_right = (statistics["words"], statistics["sentences"]) == (4, 2)
    page.verdict(is_right, f"{statistics['words']} words, {statistics['sentences']} sentences")

    total = {"file": "orders.csv", "operation": "sum", "column": "quantity"}
    result = show_call(page, manager, "data-analyzer", total, files={"orders.csv": orders})
    page.verdict(result.output["result"] == 214, f"sum of quantity: {result.output['result']}")

    result = show_call(page, manager, "weather", {"city": "Oslo"})
    is_right = result.output["success"] is False and result.raw["network"]["allowed"] is False
    page.verdict(is_right, "no network unless the policy allows it, and the skill says so")


def show_call(page: Page, manager: SkillManager, tool: str, arguments: Mapping[str, Any], **options: Any) -> Result:
    """Makes a call and shows what went in, how it ended, and in what it ran."""
    print()
    page.row(tool, json.dumps(arguments, ensure_ascii=False))
    with manager.start(tool, arguments, **options) as call:
        result = call.wait()
    page.note(ending(result))
    return result


def ending(result: Result) -> str:
    """How a call ended, what it took, and what held it, in a line."""
    how = f"exit {result.exit_code}" if result.status == "ok" else result.status
    parts = [how]
    if result.usage:
        parts.append(f"{result.usage.wall_ms:.0f} ms")
        if result.usage.peak_memory_bytes:
            parts.append(f"{result.usage.peak_memory_bytes / 1e6:.1f} MB")
    if result.isolation:
        layers = result.isolation.layers
        held = sum(layer.state == "active" for layer in layers)
        parts.append(f"tier {result.isolation.tier}, {held} of {len(layers)} layers")
    return " · ".join(parts + ([result.error.message] if result.error else []))


def answer_an_llm(page: Page, manager: SkillManager) -> None:
    """What an LLM answers to a request with tools, with two mistakes that models make."""
    asked = [
        ("calculator", '{"operation": "divide", "a": 405, "b": 15}'),
        ("calculator", '{"operation": "power", "a": 2, "b": 10}'),
        ("teleport", '{"to": "Oslo"}'),
    ]
    calls = [
        {"id": f"call_{number}", "type": "function", "function": {"name": name, "arguments": arguments}}
        for number, (name, arguments) in enumerate(asked, 1)
    ]
    messages = manager.handle_tool_calls({"choices": [{"message": {"role": "assistant", "tool_calls": calls}}]})
    page.heading("An LLM's response", f"{len(calls)} tool calls, made at once, answered in order")
    print()
    for (name, arguments), message in zip(asked, messages):
        page.row(name, arguments)
        page.row("", message["content"])
    contents = [message["content"] for message in messages]
    print()
    page.verdict('"result":27' in contents[0], "the right call has its result")
    page.verdict("power" in contents[1] and "teleport" in contents[2], "a wrong one tells the model what to repair")


def run_third_party(page: Page, packages: Path) -> None:
    """Skills that were written for something else, as they are."""
    with SkillManager() as manager:
        # A package may hold its skills at any depth.
        for folder in sorted({manifest.parent.parent for manifest in packages.rglob("SKILL.md")}):
            manager.load(folder)
        tools = manager.tool_definitions
        page.heading(
            "Third-party skills", f"{len(tools)} tools of {len(manager.skills)} skills, as their authors wrote them"
        )
        tool = next((tool for tool in tools if tool.name == "user-journey__init_workspace"), None)
        if tool is None:
            page.note(f"skipped: {packages} has no skill user-journey to call")
            return
        arguments = {"path": "journey", "title": "First order", "persona": "Ada", "device_kind": "kiosk"}
        inferred = [name for name in tool.parameters["properties"] if name not in arguments]
        result = show_call(page, manager, tool.name, arguments)
        page.note(
            f"{tool.script} declares nothing; its parameters were read from its argparse code: these and "
            f"{', '.join(inferred)}"
        )
        files = {file.path: file.size for file in result.files}
        is_right = result.ok and files.get("journey/journey.json", 0) > 0
        page.verdict(is_right, f"left {len(files)} files, {sum(files.values()) / 1e3:.0f} kB, in its work folder")


def run_hostile(page: Page, folder: Path) -> None:
    """A skill that tries what it should not. The host lays out what it wants, so that a catch would be one."""
    page.heading("A hostile skill")
    with SkillManager(folder) as manager, bait() as (options, connections):
        result = show_call(page, manager, "hostile-skill__spy", options)
        print()
        attempts = result.output or []
        for attempt in attempts:
            got = page.paint("1;31", "GOT IT") if attempt["worked"] else page.paint("32", "denied")
            print(f"    {attempt['attempt'].ljust(34)} {got}   {page.paint('2', attempt['got'])}")
        print()
        caught = sum(attempt["worked"] for attempt in attempts)
        page.verdict(len(attempts) == 14 and caught == 0, f"{caught} of {len(attempts)} attempts worked")
        page.verdict(SECRET not in json.dumps(result.raw), "the host's key is not in its output")
        page.verdict(connections() == 0, "nothing reached the host's sockets")
    print()
    with SkillManager(folder) as manager, manager.start("hostile-skill__bomb", {}, timeout=0.7) as call:
        page.row("hostile-skill__bomb", "{}")
        with contextlib.suppress(skilllite.WaitTimeoutError):
            call.wait(0.4)
        running = processes("bomb.py")
        result = call.wait()
        page.note(ending(result))
    refused = len(result.text)
    page.verdict(result.status == "timeout" and 0 < refused <= 64, f"{refused} processes were all that it could have")
    page.verdict(running > 0 and processes("bomb.py") == 0, "the clock ended it, and none of them is left")
    page.heading("What held it")
    for layer in result.isolation.layers if result.isolation else ():
        code = {"active": "32", "partial": "33"}.get(layer.state, "2")
        print(f"  {page.paint('36', layer.name.ljust(16))} {page.paint(code, layer.state.ljust(8))} {layer.detail}")


def processes(script: str) -> int:
    """How many processes of this machine run a script of this name."""
    count = 0
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it may have ended by now
            count += any(word.endswith(f"/{script}".encode()) for word in command.read_bytes().split(b"\0"))
    return count


@contextlib.contextmanager
def bait() -> Iterator[tuple[dict[str, Any], Any]]:
    """A file that this user can read and two sockets that accept. Gives the arguments that name them, and a count."""
    name = f"skilllite-demo-{os.getpid()}"
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(tempfile.NamedTemporaryFile("w", prefix="skilllite-demo-"))
        file.write(SECRET)
        file.flush()
        port = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
        port.bind(("127.0.0.1", 0))
        local = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        local.bind(f"\0{name}")
        for listener in (port, local):
            listener.listen()
            listener.setblocking(False)

        def connections() -> int:
            count = 0
            for listener in (port, local):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        listener.accept()[0].close()
                        count += 1
            return count

        # The control: from here, everything is in reach.
        assert Path(file.name).read_text("utf-8") == SECRET
        for family, address in ((socket.AF_INET, port.getsockname()), (socket.AF_UNIX, f"\0{name}")):
            with socket.socket(family, socket.SOCK_STREAM) as client:
                client.connect(address)
        assert connections() == 2
        yield (
            {
                "secret_file": file.name,
                "secret_variable": VARIABLE,
                "port": port.getsockname()[1],
                "abstract_socket": name,
                "host_process": os.getpid(),
            },
            connections,
        )


if __name__ == "__main__":
    sys.exit(main())
