"""What the library tells, as immutable objects. Each keeps the document it was made of in `raw`.

Fields mirror docs/api-conventions.md; one that a later library adds is in `raw` until it gets a name here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Optional, TypeVar

Json = Mapping[str, Any]
Report = TypeVar("Report", bound="LoadReport")


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


def _diagnostics(raw: Json) -> tuple[Diagnostic, ...]:
    return tuple(map(Diagnostic.of, raw["diagnostics"]))
