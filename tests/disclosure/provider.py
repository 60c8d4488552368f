"""The library as a provider of the suite's: each method one call of the binding, its errors in the suite's words.

`Library` asks the functions that a host uses, `Tools` the generic tools as a model calls them.
"""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from agentskills_core import RESOURCE_KINDS, AgentSkillsError, ResourceNotFoundError, SkillNotFoundError, SkillProvider

from skilllite import SkillLiteError, SkillManager, errors


@contextlib.contextmanager
def in_their_words(missing: type[AgentSkillsError] = ResourceNotFoundError) -> Iterator[None]:
    """Raises the suite's exception for the library's; `missing` is that of a text that can be no name at all."""
    try:
        yield
    except errors.SkillNotFoundError as error:
        raise SkillNotFoundError(str(error)) from error
    except (errors.ResourceNotFoundError, errors.PathEscapeError) as error:
        raise ResourceNotFoundError(str(error)) from error
    except errors.InvalidUtf8Error as error:  # it holds a NUL
        raise missing(str(error)) from error
    except SkillLiteError as error:
        raise AgentSkillsError(str(error)) from error


class Provider(SkillProvider):
    """What both have in common: the kinds of the suite are folders."""

    supports_resource_listing = True
    supports_discovery = True

    def __init__(self, manager: SkillManager) -> None:
        self.manager = manager

    def read(self, skill: str, path: str) -> bytes:
        raise NotImplementedError

    def paths(self, skill: str) -> list[str]:
        raise NotImplementedError

    async def get_reference(self, skill_id: str, name: str) -> bytes:
        with in_their_words():
            return self.read(skill_id, f"references/{name}")

    async def get_script(self, skill_id: str, name: str) -> bytes:
        with in_their_words():
            return self.read(skill_id, f"scripts/{name}")

    async def get_asset(self, skill_id: str, name: str) -> bytes:
        with in_their_words():
            return self.read(skill_id, f"assets/{name}")

    async def list_resources(self, skill_id: str) -> dict[str, list[str]]:
        with in_their_words(SkillNotFoundError):
            paths = self.paths(skill_id)
        split = sorted(path.partition("/") for path in paths)
        return {kind: [name for folder, _, name in split if folder == kind] for kind in RESOURCE_KINDS}


class Library(Provider):
    """Over the functions of the library."""

    def __init__(self, folder: Path, max_bytes: int = 1 << 20) -> None:
        super().__init__(SkillManager(folder))
        self.max_bytes = max_bytes

    def read(self, skill: str, path: str) -> bytes:
        return self.manager.read_resource(skill, path, self.max_bytes)

    def paths(self, skill: str) -> list[str]:
        return [resource.path for resource in self.manager.resources(skill)]

    async def discover(self) -> list[str]:
        return sorted(skill.name for skill in self.manager.skills)

    async def get_metadata(self, skill_id: str) -> dict[str, Any]:
        with in_their_words(SkillNotFoundError):
            self.read(skill_id, "SKILL.md")  # the bound is on what the metadata comes from
            manifest = self.manager.manifest(skill_id)
        declared = {key: value for key, value in manifest["declared"].items() if value}
        return {**declared, "name": manifest["name"], "description": manifest["description"]}

    async def get_body(self, skill_id: str) -> str:
        with in_their_words(SkillNotFoundError):
            return self.manager.instructions(skill_id)


class Tools(Provider):
    """Over the tools that a model has."""

    def __init__(self, folder: Path) -> None:
        super().__init__(SkillManager(folder, disclosure="only"))

    def load(self, skill: str) -> dict[str, Any]:
        with in_their_words():
            return dict(self.manager.execute("load_skill", {"name": skill}).output)

    def read(self, skill: str, path: str) -> bytes:
        content, offset = b"", 0
        while offset is not None:
            # Small parts, so that a file has several.
            part = self.manager.execute(
                "read_skill_resource", {"name": skill, "path": path, "offset": offset, "limit": 10}
            ).output
            text = part["content"]
            content += base64.b64decode(text) if part["encoding"] == "base64" else text.encode()
            offset = part["next_offset"]
        return content

    def paths(self, skill: str) -> list[str]:
        told = self.load(skill)
        return [file["path"] for file in told["resources"]] + [script["script"] for script in told["scripts"]]

    async def discover(self) -> list[str]:
        [load, *_] = self.manager.get_tools()
        return sorted(load["function"]["parameters"]["properties"]["name"]["enum"])

    async def get_metadata(self, skill_id: str) -> dict[str, Any]:
        told = self.load(skill_id)
        return {"name": told["name"], "description": told["description"]}

    async def get_body(self, skill_id: str) -> str:
        return str(self.load(skill_id)["instructions"])
