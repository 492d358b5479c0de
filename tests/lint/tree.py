"""What every lint check needs: the tracked files of this checkout."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]


def tracked(*patterns: str) -> list[str]:
    """Paths from the root, sorted, of files git knows or would add (ignored ones are left out)."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT, check=True, capture_output=True, text=True)
    return sorted({path for path in listed.stdout.split("\0") if path and (ROOT / path).is_file()})


def sources() -> list[str]:
    return tracked("*.cc", "*.h")


def report(check: str, looked_at: int, problems: list[str]) -> int:
    """Prints the outcome; the exit code."""
    for problem in problems:
        print(problem)
    print(f"{check}: {looked_at} files, {len(problems)} problems")
    # A check that saw nothing has checked nothing.
    return 1 if problems or looked_at == 0 else 0
