"""Runs the conformance cases through the Python binding. Started by bindings/python/run-conformance; see README.md."""

from __future__ import annotations

import dataclasses
import gc
import json
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable, Optional

import skilllite
from skilllite import Agent, ResponseStream, Round, SkillLiteError, SkillManager, _handles

Json = Any
DEFAULT_CONFIG = {"policy": {"min_tier": "landlock"}}
MIB = 1024 * 1024


class Mismatch(Exception):
    """A value that does not fit, or a step that did not do as expected."""


# Patterns


def kind(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, (int, float)):
        return "number"
    names = {type(None): "null", str: "string", list: "array", dict: "object"}
    return names[type(value)]


def misfit(pattern: Json, value: Json, at: str = "") -> Optional[str]:
    """Why a value does not fit a pattern, or None."""
    if isinstance(pattern, dict) and any(key.startswith("$") for key in pattern):
        return next((why for key in pattern if (why := misfit_of(key, pattern[key], value, at))), None)
    here = f"at {at or 'the top'}: {shown(value)} is not {shown(pattern)}"
    if kind(pattern) != kind(value):
        return here
    if isinstance(pattern, dict):
        for key, inner in pattern.items():
            place = f"{at}.{key}".lstrip(".")
            if inner == {"$absent": True}:
                if key in value:
                    return f"at {place}: it is there"
            elif key not in value:
                return f"at {place}: it is absent"
            elif why := misfit(inner, value[key], place):
                return why
        return None
    if isinstance(pattern, list):
        if len(pattern) != len(value):
            return here
        pairs = enumerate(zip(pattern, value))
        return next((why for index, (a, b) in pairs if (why := misfit(a, b, f"{at}.{index}".lstrip(".")))), None)
    return None if pattern == value else here


def misfit_of(key: str, inner: Json, value: Json, at: str) -> Optional[str]:
    """The same for one `$` key."""
    fits: bool
    if key == "$any":
        fits = True
    elif key == "$type":
        is_whole = kind(value) == "number" and value == int(value)
        fits = is_whole if inner == "integer" else kind(value) == inner
    elif key == "$exact":
        fits = same(inner, value)
    elif key == "$min":
        fits = kind(value) == "number" and value >= inner
    elif key == "$max":
        fits = kind(value) == "number" and value <= inner
    elif key == "$length":
        size = len(value.encode()) if isinstance(value, str) else len(value) if isinstance(value, list) else -1
        fits = size == inner
    elif key == "$contains":
        if isinstance(value, str):
            fits = isinstance(inner, str) and inner in value
        else:
            fits = isinstance(value, list) and any(misfit(inner, item) is None for item in value)
    elif key == "$regex":
        fits = isinstance(value, str) and re.search(inner, value) is not None
    elif key == "$json":
        try:
            return misfit(inner, json.loads(value), f"{at}($json)")
        except (TypeError, ValueError):
            fits = False
    elif key == "$not":
        fits = misfit(inner, value) is not None
    elif key == "$all":
        return next((why for each in inner if (why := misfit(each, value, at))), None)
    elif key == "$one_of":
        fits = any(misfit(each, value) is None for each in inner)
    else:
        raise Mismatch(f"no such matcher: {key}")
    return None if fits else f"at {at or 'the top'}: {shown(value)} does not fit {key} {shown(inner)}"


def same(one: Json, other: Json) -> bool:
    if kind(one) != kind(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) < 500 else text[:500] + " ..."


# Cases


def text_of(content: Json) -> str:
    return content if isinstance(content, str) else "".join(line + "\n" for line in content)


def octets(data: bytes) -> Json:
    try:
        text: Optional[str] = data.decode()
    except UnicodeDecodeError:
        text = None
    return {"size": len(data), "text": text, "hex": data.hex()}


def replaced(value: Json, folder: str) -> Json:
    if isinstance(value, str):
        return value.replace("@DIR@", folder)
    if isinstance(value, list):
        return [replaced(item, folder) for item in value]
    if isinstance(value, dict):
        return {key: replaced(item, folder) for key, item in value.items()}
    return value


class Case:
    """One case while it runs: its folder, its engine, its calls by name, what it saved."""

    def __init__(self, case: Json, folder: Path) -> None:
        self.case = replaced(case, str(folder))
        self.folder = folder
        self.manager: Optional[SkillManager] = None
        self.agent: Optional[Agent] = None
        self.calls: dict[str, Any] = {}
        self.saved: dict[str, Json] = {}

    def run(self) -> None:
        for path, content in self.case.get("files", {}).items():
            given = content if isinstance(content, dict) else {"text": content}
            self.put(path, given["text"], given.get("mode", "0644"))
        steps = self.case["steps"]
        if steps[0]["do"] != "new":
            load = [{"do": "load", "dir": f"{self.folder}/skills"}] if (self.folder / "skills").is_dir() else []
            steps = [{"do": "new"}, *load, *steps]
        for number, step in enumerate(steps, 1 + len(self.case["steps"]) - len(steps)):
            try:
                self.perform(dict(step))
            except Mismatch as error:
                raise Mismatch(f"(step {number}, {step['do']}): {error}") from None

    def perform(self, step: Json) -> None:
        do, error, message, save = (step.pop(key, None) for key in ("do", "error", "message", "save"))
        has_expect, expect = "expect" in step, step.pop("expect", None)
        action: Optional[Callable[..., Json]] = getattr(self, f"do_{do}", None)
        if action is None:
            raise Mismatch("no such step")
        try:
            for key, value in step.items():
                if isinstance(value, dict) and value.keys() == {"$saved"}:
                    name, _, part = value["$saved"].partition(".")
                    step[key] = self.saved[name][part] if part else self.saved[name]
            output = action(**step)
        except SkillLiteError as caught:
            if caught.name != error:
                raise Mismatch(f"{caught.name}: {caught.message}") from None
            if message is not None and (why := misfit(message, caught.message, "message")):
                raise Mismatch(why) from None
            return
        except Mismatch:
            raise
        except Exception as caught:  # of the step itself: an input that is not known, a call that is not there
            raise Mismatch(f"{type(caught).__name__}: {caught}") from caught
        if error is not None:
            raise Mismatch(f"it is no failure: {shown(output)}")
        if has_expect and (why := misfit(expect, output)):
            raise Mismatch(why)
        if save is not None:
            self.saved[save] = output

    def end(self) -> None:
        if self.agent:
            self.agent.close()
        for call in self.calls.values():
            call.close()
        if self.manager:
            self.manager.close()

    @property
    def engine(self) -> SkillManager:
        if self.manager is None:
            raise Mismatch("there is no engine")
        return self.manager

    @property
    def loop(self) -> Agent:
        if self.agent is None:
            raise Mismatch("there is no agent")
        return self.agent

    def put(self, path: str, text: Json, mode: str) -> None:
        place = self.folder
        for part in path.split("/")[:-1]:
            place = place / part
            if not place.is_dir():
                place.mkdir()
                place.chmod(0o755)
        file = self.folder / path
        file.write_bytes(text_of(text).encode())
        file.chmod(int(mode, 8))

    # Steps

    def do_version(self) -> Json:
        return skilllite.version()

    def do_has_feature(self, name: str) -> Json:
        return skilllite.has_feature(name)

    def do_probe(self) -> Json:
        return skilllite.probe().raw

    def do_new(self, config: Optional[Json] = None) -> Json:
        if self.manager:
            self.manager.close()
            self.manager = None
        self.manager = SkillManager(config=self.case.get("config", DEFAULT_CONFIG) if config is None else config)

    def do_load(self, dir: str) -> Json:
        return self.engine.load(dir).raw

    def do_prepare(self, skill: str = "") -> Json:
        return self.engine.prepare(skill).raw

    def do_reload(self) -> Json:
        return self.engine.reload().raw

    def do_remove(self, skill: str) -> Json:
        self.engine.remove(skill)

    def do_enable(self, skill: str, is_enabled: bool = True) -> Json:
        self.engine.enable(skill, is_enabled)

    def do_skills(self) -> Json:
        return [skill.raw for skill in self.engine.skills]

    def do_tools(self, dialect: str) -> Json:
        return self.engine.get_tools(dialect)

    def do_instructions(self, skill: str) -> Json:
        return self.engine.instructions(skill)

    def do_resources(self, skill: str) -> Json:
        return [dataclasses.asdict(resource) for resource in self.engine.resources(skill)]

    def do_read_resource(self, skill: str, path: str, max_bytes: int = MIB) -> Json:
        return octets(self.engine.read_resource(skill, path, max_bytes))

    def do_manifest(self, skill: str) -> Json:
        return self.engine.manifest(skill)

    def do_scan(self, skill: str) -> Json:
        return self.engine.scan(skill).raw

    def do_validate(self, dir: str) -> Json:
        return [dataclasses.asdict(finding) for finding in skilllite.validate(dir)]

    def do_plan(
        self, tool: str, arguments: Json = None, arguments_text: Optional[str] = None, options: Json = None
    ) -> Json:
        return self.engine.plan(tool, document(arguments, arguments_text), **(options or {}))

    def do_execute(
        self, tool: str, arguments: Json = None, arguments_text: Optional[str] = None, options: Json = None
    ) -> Json:
        return self.engine.execute(tool, document(arguments, arguments_text), **(options or {})).raw

    def do_start(
        self,
        tool: str,
        arguments: Json = None,
        arguments_text: Optional[str] = None,
        options: Json = None,
        call: str = "call",
    ) -> Json:
        self.calls[call] = self.engine.start(tool, document(arguments, arguments_text), **(options or {}))

    def do_wait(self, call: str = "call", timeout_ms: int = -1) -> Json:
        started = self.calls[call]
        timeout = None if timeout_ms < 0 else timeout_ms / 1000
        return started.wait(timeout) if isinstance(started, Round) else started.wait(timeout).raw

    def do_cancel(self, call: str = "call") -> Json:
        self.calls[call].cancel()

    def do_read_file(self, path: str, call: str = "call", max_bytes: int = MIB) -> Json:
        return octets(self.calls[call].read_file(path, max_bytes))

    def do_keep(self, dest: str, path: str = "", call: str = "call") -> Json:
        self.calls[call].keep(dest, path)

    def do_output(self, call: str = "call", stream: int = 1, until: str = "") -> Json:
        read = b""
        while not until or until.encode() not in read:
            chunk = self.calls[call].read("stdout" if stream == 1 else "stderr")
            if chunk is None:
                if until:
                    raise Mismatch(f"the stream ended after {read!r}")
                break
            read += chunk
        return octets(read)

    def do_free(self, call: str = "call") -> Json:
        self.calls.pop(call).close()

    def do_handle(
        self, dialect: str, response: Json = None, response_text: Optional[str] = None, options: Json = None
    ) -> Json:
        return self.engine.handle_tool_calls(document(response, response_text), dialect, **(options or {}))

    def do_respond(
        self,
        dialect: str,
        response: Json = None,
        response_text: Optional[str] = None,
        options: Json = None,
        call: str = "call",
    ) -> Json:
        self.calls[call] = self.engine.respond(document(response, response_text), dialect, **(options or {}))

    def do_stream(self, dialect: str, text: Json, cut: int = 0) -> Json:
        data = text_of(text).encode()
        with ResponseStream(dialect) as stream:
            for start in range(0, len(data), cut or len(data) or 1):
                stream.feed(data[start : start + cut] if cut else data)
            return {"is_complete": stream.is_complete, "response": stream.response()}

    def do_agent(self, config: Json) -> Json:
        if self.agent:
            self.agent.close()
            self.agent = None
        self.agent = Agent(self.engine, **config)

    def do_agent_ask(self, words: str = "", messages: Json = None) -> Json:
        self.loop.ask(words, messages)

    def do_agent_next(self, timeout_ms: int = -1) -> Json:
        return self.loop.next(None if timeout_ms < 0 else timeout_ms / 1000)

    def do_agent_feed(self, response: Json = None, text: Json = "", cut: int = 0, is_end: bool = True) -> Json:
        data = (text_of(text) if response is None else json.dumps(response)).encode()
        for start in range(0, len(data) or 1, cut or len(data) or 1):
            piece = data[start : start + cut] if cut else data
            self.loop.feed(piece, is_end and start + len(piece) == len(data))

    def do_agent_approve(self, call_id: str, is_allowed: bool = True, reason: str = "") -> Json:
        self.loop.approve(call_id, is_allowed, reason)

    def do_agent_events(self) -> Json:
        return self.loop.events()

    def do_agent_cancel(self) -> Json:
        self.loop.cancel()

    def do_agent_transcript(self) -> Json:
        return self.loop.transcript()

    def do_close(self) -> Json:
        self.engine.close()

    def do_write(self, path: str, text: Json, mode: str = "0644") -> Json:
        self.put(path, text, mode)

    def do_delete(self, path: str) -> Json:
        place = self.folder / path
        shutil.rmtree(place) if place.is_dir() else place.unlink()


def document(value: Json, text: Optional[str]) -> Json:
    """A value that is given as a document: its text as it is, or, where there is none, the value's own."""
    return text if text is not None else None if value is None else json.dumps(value)


def lacking(needs: Json) -> Optional[str]:
    """What a case needs and this host does not have, or None."""
    if unknown := needs.keys() - {"programs", "features", "tier"}:
        raise Mismatch(f"no such need: {unknown}")
    for program in needs.get("programs", ()):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    for feature in needs.get("features", ()):
        if not skilllite.has_feature(feature):
            return f"the library has no feature {feature}"
    tier = needs.get("tier")
    tiers = skilllite.probe().raw["tiers"] if tier else ()
    if tier and {"tier": tier, "is_available": True} not in tiers:
        return f"this host does not give the tier {tier}"
    return None


def leaks(descriptors: int) -> Optional[str]:
    gc.collect()
    if live := _handles.live():
        return f"handles that were not freed: {live}"
    if (now := len(os.listdir("/proc/self/fd"))) != descriptors:
        return f"{now} descriptors are open, {descriptors} were"
    if children := Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        return f"there are children: {children}"
    return None


def main(folder: str, names: list[str]) -> int:
    passed = failed = skipped = 0
    descriptors: Optional[int] = None
    for file in sorted(Path(folder).glob("*.json")):
        for case in json.loads(file.read_text("utf-8")):
            name = case["name"]
            if names and not name.startswith(tuple(names)):
                continue
            why = lacking(case.get("needs", {}))
            if why:
                skipped += 1
                print(f"skipped {name}: {why}", file=sys.stderr)
                continue
            place = Path(tempfile.mkdtemp(prefix="conformance.")).resolve()
            place.chmod(0o755)
            running = Case(case, place)
            try:
                running.run()
                passed += 1
            except Mismatch as error:
                failed += 1
                print(f"FAILED {name} {error}", file=sys.stderr)
            finally:
                running.end()
                shutil.rmtree(place)
            del running
            gc.collect()
            descriptors = len(os.listdir("/proc/self/fd")) if descriptors is None else descriptors
    if descriptors is not None and (leak := leaks(descriptors)):
        failed += 1
        print(f"FAILED leaks: {leak}", file=sys.stderr)
    print(f"Python: {passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
