"""How a call ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from .isolation import Isolation
from .values import Json

# What a model is told of a result where there is any.
_TOLD_IF_ANY = ("stderr", "signal", "limit", "files", "skipped_files", "error")


@dataclass(frozen=True)
class Usage:
    """What a run took. `sandbox_ms` is the part of `wall_ms` before the script's first instruction."""

    wall_ms: float
    cpu_ms: Optional[float]
    peak_memory_bytes: Optional[int]
    sandbox_ms: Optional[float]

    @classmethod
    def of(cls, raw: Json) -> Usage:
        return cls(raw["wall_ms"], raw.get("cpu_ms"), raw.get("peak_memory_bytes"), raw.get("sandbox_ms"))


@dataclass(frozen=True)
class OutputFile:
    """A file that a script left in its work folder; `Call.read_file` gives its content."""

    path: str
    size: int
    sha256: Optional[str]


@dataclass(frozen=True)
class CallFailure:
    """Why a call could not be run: a status number of the library, and a line for a person."""

    code: int
    message: str


@dataclass(frozen=True, repr=False)
class Result:
    """How a call ended: a view of the result document, which is `raw`.

    `status` is `ok` when the script ended by itself, whatever its exit code; otherwise `timeout`, `limit`, `cancelled`,
    `denied` or `error`. `output` is standard output parsed, if it was one JSON document.
    """

    # Nothing is taken out before it is asked for: most hosts read two fields of twenty, right after a call.
    raw: Json

    def __repr__(self) -> str:
        told = ", ".join(f"{key}={value!r}" for key, value in self.for_model().items())
        return f"Result(tool={self.tool!r}, {told})"

    @property
    def status(self) -> str:
        """`ok`, `timeout`, `limit`, `cancelled`, `denied` or `error`."""
        return self.raw["status"]  # type: ignore[no-any-return]

    @property
    def exit_code(self) -> Optional[int]:
        """The script's exit code, if it ended by itself."""
        return self.raw["exit_code"]  # type: ignore[no-any-return]

    @property
    def signal(self) -> Optional[int]:
        """The signal that ended the script, if one did."""
        return self.raw["signal"]  # type: ignore[no-any-return]

    @property
    def output(self) -> Any:
        """Standard output parsed, if it was one JSON document."""
        return self.raw["output"]

    @property
    def text(self) -> str:
        """Standard output."""
        return self.raw["text"]  # type: ignore[no-any-return]

    @property
    def stderr(self) -> str:
        """Standard error."""
        return self.raw["stderr"]  # type: ignore[no-any-return]

    @property
    def truncated(self) -> Mapping[str, bool]:
        """Whether `stdout`, `stderr` and `files` hold less than there was."""
        return self.raw["truncated"]  # type: ignore[no-any-return]

    @property
    def limit(self) -> Optional[str]:
        """The limit that was hit, such as `wall` or `memory`."""
        return self.raw["limit"]  # type: ignore[no-any-return]

    @property
    def files(self) -> tuple[OutputFile, ...]:
        """The files that the script left in its work folder."""
        return tuple(OutputFile(entry["path"], entry["size"], entry.get("sha256")) for entry in self.raw["files"])

    @property
    def usage(self) -> Optional[Usage]:
        """What the run took, if there was one."""
        usage = self.raw.get("usage")
        return usage and Usage.of(usage)

    @property
    def isolation(self) -> Optional[Isolation]:
        """What held the run, if there was one."""
        isolation = self.raw.get("isolation")
        return isolation and Isolation.of(isolation)

    @property
    def error(self) -> Optional[CallFailure]:
        """Why the script was not run, if it was not."""
        error = self.raw.get("error")
        return error and CallFailure(error["code"], error["message"])

    @property
    def tool(self) -> str:
        """The tool that was called."""
        return self.raw["tool"]  # type: ignore[no-any-return]

    @property
    def skill(self) -> str:
        """The skill that the tool is of."""
        return self.raw["skill"]  # type: ignore[no-any-return]

    @property
    def call_id(self) -> str:
        """The name of the call, as its options or the model gave it."""
        return self.raw["call_id"]  # type: ignore[no-any-return]

    @property
    def ok(self) -> bool:
        """The script ended by itself, with exit code 0."""
        return self.status == "ok" and self.exit_code == 0

    def for_model(self) -> dict[str, Any]:
        """The part that helps a model, as `SkillManager.handle_tool_calls` tells it: what was said and how it ended."""
        keys = ["status", "exit_code", "text" if self.raw["output"] is None else "output"]
        keys += [key for key in _TOLD_IF_ANY if self.raw.get(key) not in (None, "", [])]
        network = self.raw.get("network") or {}
        if network.get("denials") or (network.get("wanted") and not network.get("allowed")):
            keys.append("network")
        if (self.raw.get("dependencies") or {}).get("state") == "host" and self.exit_code != 0:
            keys.append("dependencies")
        if any(part is True for part in self.truncated.values()):
            keys.append("truncated")
        return {key: self.raw[key] for key in keys}
