"""What holds a run, and what a host can give to hold one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Optional

from .values import Json


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

    @classmethod
    def of(cls, raw: Json) -> Isolation:
        return cls(raw["tier"], layers(raw))


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
        return cls(raw["tier"], layers(raw), tuple(obstacles), raw["platform"], raw)


def layers(raw: Json) -> tuple[Layer, ...]:
    """The layers that a document names, in its order."""
    return tuple(map(Layer.of, raw["layers"]))
