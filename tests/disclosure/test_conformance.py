"""The suite of agentskills-testing, over the library's functions and over its tools."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import agentskills_testing as suite
import pytest
from provider import Library, Provider, Tools


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The one skill that the suite asks for."""
    skill = tmp_path / suite.SKILL_ID
    front = f"---\nname: {suite.SKILL_ID}\ndescription: A skill of the suite.\n---\n"
    files = {
        "SKILL.md": f"{front}\n# Body\n\nWords.\n".encode(),
        f"references/{suite.REFERENCE_NAME}": suite.REFERENCE_BYTES,
        f"scripts/{suite.SCRIPT_NAME}": suite.SCRIPT_BYTES,
        f"assets/{suite.ASSET_NAME}": suite.ASSET_BYTES,
    }
    for path, content in files.items():
        (skill / path).parent.mkdir(parents=True, exist_ok=True)
        (skill / path).write_bytes(content)
    return tmp_path


class TestLibrary(suite.ProviderConformanceSuite):
    @pytest.fixture
    def provider(self, folder: Path) -> Iterator[Provider]:
        provider = Library(folder)
        with provider.manager:
            yield provider


class TestTools(suite.ProviderConformanceSuite):
    @pytest.fixture
    def provider(self, folder: Path) -> Iterator[Provider]:
        provider = Tools(folder)
        with provider.manager:
            yield provider


class TestLimits(suite.ContentLimitConformanceSuite):
    @pytest.fixture
    def limited_provider(self, folder: Path) -> Iterator[Provider]:
        provider = Library(folder, max_bytes=8)
        with provider.manager:
            yield provider
