"""The commands in docs/plugins run as they stand, in an empty folder, and print what the pages say."""
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PAGES = ROOT / "docs" / "plugins"
# A fenced block of commands, and what it prints if that is said right behind it.
BLOCK = re.compile(r"^```sh\n(.*?)^```\n(?:```text\n(.*?)^```\n)?", re.S | re.M)
PATIENCE_S = 900


def blocks(page):
    return BLOCK.findall((PAGES / page).read_text())


def pattern(text):
    """"…" in what is printed stands for anything in its line."""
    return ".*".join(map(re.escape, text.split("…")))


@pytest.mark.parametrize("page", ["c.md", "components.md", "go.md", "javascript.md", "python.md", "rust.md"])
def test_commands_do_what_the_page_says(page, toolchains, tmp_path):
    found = blocks(page)
    assert len(found) >= 2 and any(printed for _, printed in found)
    script = "\n".join(f"{commands}\nprintf '\\n<end of block>\\n'" for commands, _ in found)
    done = subprocess.run(["sh", "-eu", "-c", script], cwd=tmp_path, env=toolchains, capture_output=True, text=True,
                          stdin=subprocess.DEVNULL, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    outputs = done.stdout.split("\n<end of block>\n")
    assert len(outputs) == len(found) + 1
    for (commands, printed), output in zip(found, outputs):
        if printed:
            assert re.fullmatch(pattern(printed.rstrip("\n")), output.rstrip("\n")), f"{commands}\nprints\n{output}"


def test_the_pages_show_the_code_that_new_writes():
    """Without what stands between the parts that a page shows."""
    for page, language, source in (("c.md", "c", "c/plugin.c"), ("go.md", "go", "go/main.go"),
                                   ("rust.md", "rust", "rust/src/lib.rs"), ("javascript.md", "js", "js-plugin/plugin.js"),
                                   ("python.md", "python", "python-plugin/app.py"),
                                   ("components.md", "wit", "plugin/wit/world.wit"),
                                   ("components.md", "c", "c-plugin/plugin.c")):
        written = (ROOT / "sdk" / "templates" / source).read_text()
        shown = re.search(rf"^```{language}\n(.*?)^```", (PAGES / page).read_text(),
                          re.S | re.M).group(1)
        for line in shown.splitlines():
            assert line.strip() in ("", "…") or line in written, f"{page}: {line}"
