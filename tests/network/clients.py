"""Runs the clients of `clients_scripts` in the sandbox, behind an allow-list, against servers of this machine.

A host over the Python binding: engines for each tier of isolation, a skill for each script. A script prints a line
`name: value` for each thing that it asks for; what it must print, what the servers must have seen and how often the
result must tell of a denial stand in clients_expected.py. Nothing leaves this machine.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any, Optional

import skilllite
from clients_expected import ALONE, CLIENTS, OWN_SERVERS, Client
from clients_servers import Authority, Content, Forbidden, Site

SCRIPTS = Path(__file__).with_name("clients_scripts")
TIERS = ["landlock", "namespaces", "full"]


# Each only hands its words on, so that nothing is inferred of them and `args` takes them as they are.
STARTERS = {
    ".py": 'import os, runpy\nrunpy.run_path(os.path.join(os.path.dirname(__file__), "work.py"), run_name="__main__")\n',
    ".cjs": "require('./work.cjs');\n",
    ".mjs": "await import('./work.mjs');\n",
    ".sh": '#!/bin/bash\nexec bash "$SKILL_DIR/scripts/work.sh" "$@"\n',
}


class World:
    """The servers, the skills, and the tally."""

    def __init__(self, folder: Path) -> None:
        folder.chmod(0o755)
        known, unknown = Authority(folder, "known"), Authority(folder, "unknown")
        # Read when an engine is made.
        os.environ["SSL_CERT_FILE"] = str(known.file)
        content = Content(folder / "content")
        self.forbidden = Forbidden()
        self.sites = [Site(content, self.forbidden.authority, authority) for authority in (None, known, unknown)]
        self.skills = folder / "skills"
        for script in SCRIPTS.glob("*-*.*"):
            root = self.skills / script.stem
            (root / "scripts").mkdir(parents=True)
            shutil.copy(script, root / "scripts" / f"work{script.suffix}")
            (root / "scripts" / f"main{script.suffix}").write_text(STARTERS[script.suffix], "utf-8")
            shutil.copy(SCRIPTS / "steps.cjs", root)
            (root / "SKILL.md").write_text(f"---\nname: {script.stem}\ndescription: A client.\n---\n", "utf-8")
        self.passed = 0
        self.failed = 0

    def check(self, client: Client, where: str, manager: skilllite.SkillManager) -> None:
        """Runs a client, and looks at it from inside, from the servers and from the result."""
        arguments = {"args": [*(site.url for site in self.sites), self.forbidden.authority]}
        result = manager.execute(client.name, arguments)
        lines = dict(line.split(": ", 1) for line in result.text.splitlines() if ": " in line)
        complaints = (
            [] if result.ok else [f"it ended as {result.status}, {result.exit_code or result.signal}, {result.error}"]
        )
        for name, needles in client.answers.items():
            value, whole = lines.pop(name, None), len(needles) == 1
            fits = value is not None and (value == needles[0] if whole else all(needle in value for needle in needles))
            if not fits:
                complaints.append(f"{name}: {value!r} is not {' … '.join(needles)!r}")
        complaints += [f"unexpected: {name}: {value}" for name, value in lines.items()]
        for site, expected in zip(self.sites, (*client.requests, Counter())):
            seen = Counter(site.take_requests())
            if seen != Counter(expected):
                complaints.append(f"{site.url} saw {dict(seen)}, not {dict(expected)}")
        if strangers := self.forbidden.connections():
            complaints.append(f"{strangers} connections reached what is not allowed")
        complaints += self.denials(client, result.raw["network"])
        if complaints:
            self.failed += 1
            print(f"FAILED: {client.name}, {where}", *complaints, f"stderr: {result.stderr[-2000:]}", sep="\n    ")
        else:
            self.passed += 1
            print(f"ok: {client.name}, {where}", flush=True)

    def denials(self, client: Client, network: dict[str, Any]) -> list[str]:
        """What is wrong with what the result tells of denials."""
        expected = [("127.0.0.1", self.forbidden.port, "not-listed", client.denials)] if client.denials else []
        told = [(entry["host"], entry["port"], entry["code"], entry["count"]) for entry in network["denied"]]
        return [] if told == expected else [f"the result tells of {told}, not {expected}"]


def tiers() -> list[str]:
    """Those of this host, the weakest first."""
    best = skilllite.probe().tier
    return TIERS[: TIERS.index(best) + 1] if best in TIERS else []


def why_not(client: Client, tier: str, interpreters: dict[str, str]) -> Optional[str]:
    """Why a client cannot run here, or None."""
    if tier not in client.tiers:
        return client.why_not_everywhere
    if client.program and not shutil.which(client.program, path="/usr/bin:/bin"):
        return f"{client.program} is not among the distribution's programs"
    language = client.name.partition("-")[0]
    if not interpreters.get(language, "sh"):
        return f"there is no such {language}"
    interpreter = Path(interpreters.get(language, "/bin/sh")).resolve()
    if tier == "landlock" and os.geteuid() == 0 and interpreter.is_relative_to(Path.home().resolve()):
        return "without namespaces a script of root's host cannot reach root's home, where the interpreter is"
    return None


def policy(tier: str, allow: object, environment: dict[str, str]) -> dict[str, object]:
    """The policy of an engine for one tier."""
    return {
        "min_tier": tier,
        "max_tier": tier,
        "network": {"allow": allow, "accept_port_only": True},
        "env": environment,
        # Without control groups the bound of memory is one of address space, of which Node's workers reserve a lot.
        "limits": {"wall_ms": 120_000, "cpu_ms": 120_000, "memory_bytes": 4 << 30},
    }


def check_all(world: World, names: list[str], tier: str, which: str, interpreters: dict[str, str]) -> None:
    """Runs the clients of these names, or all, in a tier, with one `node`; with another than the first, only Node's."""
    sites = [f"{host}:{site.port}" for site in world.sites for host in ("127.0.0.1", "localhost")]
    rounds: list[tuple[str, list[Client], object, dict[str, str]]] = [
        ("", CLIENTS, sites, {}),
        (", loopback not listed", OWN_SERVERS, ["example.org:443"], {}),
        (", no network", [ALONE.without()], False, {}),
        (", no variables", [ALONE.without("--use-openssl-ca")], sites, {"HTTP_PROXY": "", "HTTPS_PROXY": ""}),
    ]
    used = {language: path for language, path in interpreters.items() if path}
    for what, clients, allow, environment in rounds:
        with skilllite.SkillManager(
            world.skills, policy=policy(tier, allow, environment), interpreters=used
        ) as manager:
            for client in clients:
                is_for_node = client.name.startswith("node-")
                if (names and client.name not in names) or (which != "node" and not is_for_node):
                    continue
                where = f"{tier}{what}" + (f", {which}" if is_for_node else "")
                if reason := why_not(client, tier, interpreters):
                    print(f"skipped: {client.name}, {where}: {reason}")
                else:
                    world.check(client, where, manager)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", required=True, help="the Python with requests and httpx")
    parser.add_argument("--newer-node", default="", help="another Node, of a later version")
    parser.add_argument("clients", nargs="*", help="names of clients; none are all")
    given = parser.parse_args()
    nodes = {"node": shutil.which("node") or "", "newer node": given.newer_node}
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        if not tiers():
            print("skipped: no isolation on this host")
        for tier in tiers():
            for which, node in nodes.items():
                check_all(world, given.clients, tier, which, {"python": given.python, "node": node})
    print(f"tests/network/clients: {world.passed} passed, {world.failed} failed")
    return 1 if world.failed else 0


if __name__ == "__main__":
    sys.exit(main())
