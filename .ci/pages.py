"""The commands that README.md and docs/ show, run page by page in a fresh folder. Shared by check-readme and update-readme.

A `console` block holds commands, each after `$ `, and what they print on stdout. A line `[...]` at the end of an output stands for
the rest of it. `cargo run --release -- ARGS` is run as `coldcast ARGS`. Before the block a comment may say:

    <!-- file: orders.toml -->     the block below is a file of this name, which later commands of the page read
    <!-- needs: docker -->         the commands need a container engine: run where COLDCAST_REQUIRE_DOCKER is 1, and not compared
"""

import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

REST = "[...]"
PICTURE = Path("docs/images/cost-latency.svg")
BLOCK = re.compile(r"(?:<!-- (?P<key>file|needs): (?P<value>\S+) -->\n)?```(?P<language>[a-z]*)\n(?P<body>.*?)```", flags=re.S)


def pages() -> list[Path]:
    """All pages with commands: README.md, docs/, and the pages beside shipped data."""
    found = [Path("README.md"), *Path("docs").rglob("*.md"), *Path("models").rglob("*.md"), *Path("traces").rglob("*.md")]
    return sorted(found)


class Page:
    """A page with a folder of its own, in which its commands run one after the other."""

    def __init__(self, path: Path, coldcast: str):
        self.text = path.read_text(encoding="utf-8")
        self.folder = Path(tempfile.mkdtemp(prefix="coldcast-pages."))
        for name in ("models", "traces"):
            (self.folder / name).symlink_to(Path(name).resolve())
        program = self.folder / ".bin"
        program.mkdir()
        (program / "coldcast").symlink_to(Path(coldcast).resolve())
        self.environment = {**os.environ, "PATH": f"{program}:{os.environ['PATH']}", "COLUMNS": "200"}

    def run(self, command: str) -> subprocess.CompletedProcess:
        """Runs one command."""
        command = command.replace("cargo run --release --", "coldcast")
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", command],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def rewritten(self, shown: Callable[[str, str, subprocess.CompletedProcess], str]) -> str:
        """The page in which each output is what `shown` makes of (command, output so far, what was run)."""

        def block(match: re.Match) -> str:
            key, value, language, body = match["key"], match["value"], match["language"], match["body"]
            if key == "file":
                (self.folder / value).write_text(body, encoding="utf-8")
                return match[0]
            if language != "console":
                return match[0]
            free = key != "needs"
            if not free and os.environ.get("COLDCAST_REQUIRE_DOCKER") != "1":
                return match[0]
            parts = []
            for command, output in commands(body):
                ran = self.run(command.replace("\\\n", " "))
                parts.append(f"$ {command}\n" + (shown(command, output, ran) if free else output))
            start = match.start("body") - match.start()
            return f"{match[0][:start]}{''.join(parts)}```"

        return BLOCK.sub(block, self.text)

    def close(self) -> None:
        """Removes the page's folder."""
        shutil.rmtree(self.folder)


def unknown_flags(path: Path) -> list[str]:
    """Commands in `sh` blocks of a page, which are not run, with a command or flag that docs/reference/cli.md does not have."""
    reference = Path("docs/reference/cli.md").read_text(encoding="utf-8")
    sections = {title: text for title, text in re.findall(r"^## ([^\n]*)\n(.*?)(?=^## |\Z)", reference, flags=re.M | re.S)}
    common = sections.get("Flags of every command", "")
    wrong = []
    for match in BLOCK.finditer(path.read_text(encoding="utf-8")):
        lines = match["body"].replace("\\\n", " ").splitlines() if match["language"] == "sh" else []
        for line in lines:
            words = line.split("#")[0].split()
            if words[:1] != ["coldcast"]:
                continue
            name = max((name for name in sections if words[: len(name.split())] == name.split()), key=len, default=None)
            known = sections.get(name, "") + common
            flags = [word.split("=")[0] for word in words if word.startswith("--")]
            if name is None or any(f"`{flag}`" not in known and f"`{flag} " not in known for flag in flags):
                wrong.append(line.strip())
    return wrong


def dead_links(path: Path) -> list[str]:
    """Links of a page to files or headings that do not exist."""

    def anchors(page: Path) -> set[str]:
        text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S)
        titles = re.findall(r"^#+ (.*)$", text, flags=re.M)
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.S)
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (path.parent / file).resolve() if file else path.resolve()
        if not there.exists() or (anchor and anchor not in anchors(there)):
            dead.append(target)
    return dead


def commands(body: str) -> list[tuple[str, str]]:
    """Commands of a `console` block with their outputs."""
    found: list[tuple[str, str]] = []
    continued = False
    for line in body.splitlines(keepends=True):
        if line.startswith("$ "):
            found.append((line[2:].rstrip("\n"), ""))
        elif found and continued:
            found[-1] = (f"{found[-1][0]}\n{line.rstrip()}", "")
        elif found:
            found[-1] = (found[-1][0], found[-1][1] + line)
        continued = line.rstrip().endswith("\\") and (continued or line.startswith("$ "))
    return found


def cut(output: str, like: str) -> str:
    """`output` as long as `like`, if that ends with [...]; without spaces at the ends of lines."""
    lines = [line.rstrip() for line in output.strip("\n").splitlines()]
    shown = like.strip("\n").splitlines()
    if shown and shown[-1] == REST:
        lines = [*lines[: len(shown) - 1], REST]
    return "".join(f"{line}\n" for line in lines)


def picture(coldcast: str) -> bytes:
    """The picture in README.md: that of the built-in scenario."""
    with tempfile.TemporaryDirectory(prefix="coldcast-picture.") as folder:
        subprocess.run([coldcast, "compare", "--quiet", "--out", folder], capture_output=True, check=True)
        return (Path(folder) / PICTURE.name).read_bytes()


def passed(log: str) -> int:
    """The number of tests that passed by a log of `cargo test`."""
    text = Path(log).read_text(encoding="utf-8", errors="replace")
    return sum(int(n) for n in re.findall(r"^test result: ok\. (\d+) passed", text, flags=re.M))
