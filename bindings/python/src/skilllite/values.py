"""What the library tells, as immutable objects. Each keeps the document it was made of in `raw`.

Fields mirror docs/api-conventions.md; one that a later library adds is in `raw` until it gets a name here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Optional, TypeVar

Json = Mapping[str, Any]
Report = TypeVar("Report", bound="LoadReport")

# What a model is told of a result where there is any.
_TOLD_IF_ANY = ("stderr", "signal", "limit", "files", "skipped_files", "error")


@dataclass(frozen=True)
class Diagnostic:
    """Something to know about a skill: an error, a warning or a remark, with a stable code."""

    severity: str
    code: str
    message: str
    field: Optional[str]
    line: Optional[int]

    @classmethod
    def of(cls, raw: Json) -> Diagnostic:
        return cls(raw["severity"], raw["code"], raw["message"], raw.get("field"), raw.get("line"))


@dataclass(frozen=True)
class SkippedSkill:
    """A folder that `load` could not use, and why."""

    path: str
    diagnostics: tuple[Diagnostic, ...]


@dataclass(frozen=True)
class LoadReport:
    """What one `load` made usable, and what not."""

    skills: tuple[str, ...]
    tools: tuple[str, ...]
    skipped: tuple[SkippedSkill, ...]
    diagnostics: tuple[Diagnostic, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls: type[Report], raw: Json) -> Report:
        skipped = (SkippedSkill(entry["path"], _diagnostics(entry)) for entry in raw["skipped"])
        return cls(tuple(raw["skills"]), tuple(raw["tools"]), tuple(skipped), _diagnostics(raw), raw)


@dataclass(frozen=True)
class ReloadReport(LoadReport):
    """What one `reload` found: all that is usable now, and the names of skills that are new, changed and gone."""

    @property
    def added(self) -> tuple[str, ...]:
        """Names that are new."""
        return tuple(self.raw["added"])

    @property
    def changed(self) -> tuple[str, ...]:
        """Names whose content, or whose folder, is another."""
        return tuple(self.raw["changed"])

    @property
    def removed(self) -> tuple[str, ...]:
        """Names that are gone."""
        return tuple(self.raw["removed"])


@dataclass(frozen=True)
class Environment:
    """What some tools of a skill need: installed now (`built`), before (`ready`), or by nobody (`host`)."""

    skill: str
    tools: tuple[str, ...]
    language: str
    state: str
    source: str
    requirements: tuple[str, ...]
    packages: tuple[str, ...]
    path: Optional[str]
    hint: Optional[str]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Environment:
        return cls(
            skill=raw["skill"],
            tools=tuple(raw["tools"]),
            language=raw["language"],
            state=raw["state"],
            source=raw["source"],
            requirements=tuple(raw["requirements"]),
            packages=tuple(raw.get("packages") or ()),
            path=raw.get("path"),
            hint=raw.get("hint"),
            raw=raw,
        )


@dataclass(frozen=True)
class PrepareReport:
    """What one `prepare` installed, or found installed; empty where nothing is declared."""

    environments: tuple[Environment, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> PrepareReport:
        return cls(tuple(Environment.of(entry) for entry in raw["environments"]), raw)


@dataclass(frozen=True)
class SkillInfo:
    """A loaded skill, as the catalogue has it. `tools` are names; a skill of instructions only has none."""

    name: str
    description: str
    root: str
    digest: str
    tools: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]
    version: Optional[str]
    license: Optional[str]
    wants_network: bool
    is_enabled: bool
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> SkillInfo:
        return cls(
            name=raw["name"],
            description=raw["description"],
            root=raw["root"],
            digest=raw["digest"],
            tools=tuple(raw["tools"]),
            diagnostics=_diagnostics(raw),
            version=raw.get("version"),
            license=raw.get("license"),
            wants_network=bool(raw.get("wants_network")),
            is_enabled=bool(raw.get("is_enabled", True)),
            raw=raw,
        )


@dataclass(frozen=True)
class ToolDefinition:
    """A tool, independent of an LLM vendor's dialect. `parameters` is a JSON Schema."""

    name: str
    description: str
    parameters: Json
    skill: str
    script: str
    language: str
    provenance: Mapping[str, str]
    """Where each parameter comes from: `declared`, what reads it in the script (`argparse`, …), or `generic`."""
    not_strict: Mapping[str, str]
    """For each strict dialect that cannot say the schema: why."""
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, skill: str, raw: Json) -> ToolDefinition:
        return cls(
            name=raw["name"],
            description=raw["description"],
            parameters=raw["parameters"],
            skill=skill,
            script=raw["script"],
            language=raw.get("language") or "",
            provenance=raw["provenance"],
            not_strict=raw["not_strict"],
            raw=raw,
        )


@dataclass(frozen=True)
class Resource:
    """A file of a skill."""

    path: str
    size: int
    sha256: str
    is_executable: bool

    @classmethod
    def of(cls, raw: Json) -> Resource:
        return cls(raw["path"], raw["size"], raw["sha256"], raw["is_executable"])


@dataclass(frozen=True)
class ScanFinding:
    """A place where a rule of the scan matched, why somebody should look, and what to do then."""

    rule: str
    severity: str
    file: str
    line: int
    column: int
    excerpt: str
    reason: str
    remedy: str

    @classmethod
    def of(cls, raw: Json) -> ScanFinding:
        return cls(**{field.name: raw[field.name] for field in fields(cls)})


@dataclass(frozen=True)
class ScanSkipped:
    """A file that may run and of which the scan cannot speak."""

    file: str
    reason: str


@dataclass(frozen=True)
class ScanReport:
    """What the sources of a skill look like they might do; the worst finding comes first. Advice, and never isolation.

    `is_denied` says whether the config's `policy.scan` refuses calls of the skill. Severities are "info", "low",
    "medium", "high" and "critical".
    """

    skill: str
    digest: str
    is_denied: bool
    highest: Optional[str]
    files_scanned: int
    findings: tuple[ScanFinding, ...]
    omitted: int
    skipped: tuple[ScanSkipped, ...]
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> ScanReport:
        return cls(
            skill=raw["skill"],
            digest=raw["digest"],
            is_denied=raw["is_denied"],
            highest=raw["highest"],
            files_scanned=raw["files_scanned"],
            findings=tuple(ScanFinding.of(finding) for finding in raw["findings"]),
            omitted=raw["omitted"],
            skipped=tuple(ScanSkipped(one["file"], one["reason"]) for one in raw["skipped"]),
            raw=raw,
        )


@dataclass(frozen=True)
class Layer:
    """One layer of the sandbox: `active`, `partial` or `absent`, and in which way."""

    name: str
    state: str
    detail: str

    @classmethod
    def of(cls, raw: Json) -> Layer:
        return cls(raw["name"], raw["state"], raw.get("detail") or "")


@dataclass(frozen=True)
class Isolation:
    """What held a run: `tier` is `full`, `namespaces` or `landlock`."""

    tier: str
    layers: tuple[Layer, ...]


@dataclass(frozen=True)
class Usage:
    """What a run took. `sandbox_ms` is the part of `wall_ms` before the script's first instruction."""

    wall_ms: float
    cpu_ms: Optional[float]
    peak_memory_bytes: Optional[int]
    sandbox_ms: Optional[float]


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


@dataclass(frozen=True)
class Result:
    """How a call ended.

    `status` is `ok` when the script ended by itself, whatever its exit code; otherwise `timeout`, `limit`, `cancelled`,
    `denied` or `error`. `output` is standard output parsed, if it was one JSON document.
    """

    status: str
    exit_code: Optional[int]
    signal: Optional[int]
    output: Any
    text: str
    stderr: str
    truncated: Mapping[str, bool]
    limit: Optional[str]
    files: tuple[OutputFile, ...]
    usage: Optional[Usage]
    isolation: Optional[Isolation]
    error: Optional[CallFailure]
    tool: str
    skill: str
    call_id: str
    raw: Json = field(repr=False, compare=False)

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

    @classmethod
    def of(cls, raw: Json) -> Result:
        usage, isolation, error = raw.get("usage"), raw.get("isolation"), raw.get("error")
        return cls(
            status=raw["status"],
            exit_code=raw["exit_code"],
            signal=raw["signal"],
            output=raw["output"],
            text=raw["text"],
            stderr=raw["stderr"],
            truncated=raw["truncated"],
            limit=raw["limit"],
            files=tuple(OutputFile(entry["path"], entry["size"], entry.get("sha256")) for entry in raw["files"]),
            usage=usage and Usage(*(usage.get(name) for name in Usage.__dataclass_fields__)),
            isolation=isolation and Isolation(isolation["tier"], _layers(isolation)),
            error=error and CallFailure(error["code"], error["message"]),
            tool=raw["tool"],
            skill=raw["skill"],
            call_id=raw["call_id"],
            raw=raw,
        )


@dataclass(frozen=True)
class Obstacle:
    """What puts a tier out of this host's reach, and what would help."""

    tier: str
    cause: str
    remedy: str


@dataclass(frozen=True)
class Probe:
    """What isolation this host can give. `tier` is the strongest one, or None."""

    tier: Optional[str]
    layers: tuple[Layer, ...]
    obstacles: tuple[Obstacle, ...]
    platform: str
    raw: Json = field(repr=False, compare=False)

    @classmethod
    def of(cls, raw: Json) -> Probe:
        obstacles = (Obstacle(entry["tier"], entry["cause"], entry["remedy"]) for entry in raw["obstacles"])
        return cls(raw["tier"], _layers(raw), tuple(obstacles), raw["platform"], raw)


def _diagnostics(raw: Json) -> tuple[Diagnostic, ...]:
    return tuple(map(Diagnostic.of, raw["diagnostics"]))


def _layers(raw: Json) -> tuple[Layer, ...]:
    return tuple(map(Layer.of, raw["layers"]))
