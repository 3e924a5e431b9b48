#!/usr/bin/env python3
"""Checks what reviews forget: text that only makes sense on one machine, and modules without a README."""
import pathlib
import re
import subprocess
import sys

# An absolute path of somebody's machine. /tmp/mixroom-... is a name that the tests may give.
MACHINE_PATH = re.compile(r"(?<![\w.${}*/-])/(?:work|home|Users)/[\w.-]+|(?<![\w.${}*/-])/tmp/(?!mixroom)[a-z][\w-]+")
# "(#123)", "fixes #123"; a number of another project's stands behind that project's name.
ISSUE = re.compile(r"(?:\(|\b(?:issue|fix|fixes|fixed|closes|see|bug) )#\d+\b", re.I)
NOT_OURS = {".git", "build", "artefacts", "node_modules", "__pycache__"}
SELF = "tests/lint/tree.py"
TEXT = {".c", ".h", ".py", ".mjs", ".js", ".css", ".html", ".md", ".build", ".sh", ".conf", ".service", ".gst", ".supp", ".in", ""}


def tracked(root):
    listed = subprocess.run(["git", "-C", root, "ls-files", "-z"], capture_output=True)
    if listed.returncode == 0:
        return [root / name for name in listed.stdout.decode().split("\0") if name]
    return [p for p in root.rglob("*") if not NOT_OURS & set(p.relative_to(root).parts)]


def main():
    root = pathlib.Path(sys.argv[1])
    bad = []
    for path in tracked(root):
        name = str(path.relative_to(root))
        if path.suffix not in TEXT or name == SELF or not path.is_file() or name.startswith(("tests/data/", "tests/fuzz/corpus/")):
            continue
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            for pattern, what in (MACHINE_PATH, "a machine's path"), (ISSUE, "a number of an issue"):
                if match := pattern.search(line):
                    bad.append(f"{name}:{number}: {what}: {match.group(0)}")
    for module in sorted(p for p in (root / "src").iterdir() if p.is_dir()):
        if not (module / "README.md").is_file():
            bad.append(f"src/{module.name}: no README.md")
    print("\n".join(bad) or "nothing to say")
    return bool(bad)


sys.exit(main())
