"""What .env says (see .env.example): which model the demos ask, and what scripts may do."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]

# In a checkout the package need not be installed.
if importlib.util.find_spec("skilllite") is None:
    sys.path.append(str(ROOT / "bindings/python/src"))

# The keys that the environment may give too. Those that bound what a script may do are the file's alone.
_OF_THE_MODEL = ("BASE_URL", "API_KEY", "MODEL")
_KNOWN = {*_OF_THE_MODEL, "SKILLS_DIR", "ALLOW_NETWORK", "EXECUTION_TIMEOUT", "MAX_MEMORY_MB", "MIN_TIER"}


@dataclass(frozen=True)
class Settings:
    """The address of a model, the folder of skills, and a policy for SkillManager."""

    # Empty: there is no model.
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    model: str = ""
    skills_dir: Path = ROOT / "skills"
    policy: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path = ROOT / ".env", environment: Mapping[str, str] = os.environ) -> Settings:
        """Reads the file, if it is there. A key that nobody knows, or a value that makes no sense, ends the program."""
        values = _parse(file) if file.exists() else {}
        values.update({key: environment[key] for key in _OF_THE_MODEL if environment.get(key)})
        policy: dict[str, Any] = {}
        limits: dict[str, int] = {}
        if values.get("ALLOW_NETWORK"):
            policy["network"] = [host.strip() for host in values["ALLOW_NETWORK"].split(",") if host.strip()]
        if values.get("EXECUTION_TIMEOUT"):
            limits["wall_ms"] = round(_number(file, values, "EXECUTION_TIMEOUT") * 1000)
        if values.get("MAX_MEMORY_MB"):
            limits["memory_bytes"] = round(_number(file, values, "MAX_MEMORY_MB") * 1024 * 1024)
        if values.get("MIN_TIER"):
            policy["min_tier"] = values["MIN_TIER"]
        return cls(
            values.get("BASE_URL", "").rstrip("/"),
            values.get("API_KEY", ""),
            values.get("MODEL", ""),
            file.parent / (values.get("SKILLS_DIR") or "skills"),
            {**policy, "limits": limits},
        )


def _parse(file: Path) -> dict[str, str]:
    """Lines of KEY=VALUE; a value may be in quotes, and a comment is a line of its own or follows a blank and #."""
    values = {}
    for number, line in enumerate(file.read_text("utf-8").splitlines(), 1):
        line = line.strip().removeprefix("export ")
        if not line or line.startswith("#"):
            continue
        key, equals, value = (part.strip() for part in line.partition("="))
        if not equals or key not in _KNOWN:
            raise SystemExit(f"{file}:{number}: '{key}' is no setting; known: {', '.join(sorted(_KNOWN))}")
        quote = value[:1] if value[:1] in ("'", '"') else None
        # A comment may follow either.
        bare = value.split(" #")[0].rstrip()
        values[key] = value[1:].partition(quote)[0] if quote and quote in value[1:] else bare
    return values


def _number(file: Path, values: Mapping[str, str], key: str) -> float:
    try:
        return float(values[key])
    except ValueError:
        raise SystemExit(f"{file}: {key} is '{values[key]}', which is no number") from None
