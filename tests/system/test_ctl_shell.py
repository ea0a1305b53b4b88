"""The manual and the completions of coolantctl know its commands."""
import os
import re
import shlex
import shutil

import pytest
from harness import BUILD, COOLANTCTL, ROOT, run
from test_ctl import ctl, daemon, server  # noqa: F401
from test_docs import rendered

PACKAGING = BUILD / "packaging"


def commands():
    """{command: its options}, from the help."""
    names = re.findall(r"^  ([a-z]+(?: [a-z]+)?)(?= [A-Z[]| {2}|$)", run([COOLANTCTL, "--help"]).stdout.split("Options:")[0], re.M)
    return {n: set(re.findall(r"^ +(?:-\w, )?(--[a-z-]+)", run([COOLANTCTL, *n.split(), "--help"]).stdout, re.M)) for n in names}


def complete(shell, folder, line, socket=""):
    """What tab would offer at the end of a line."""
    path = f"{COOLANTCTL.parent}:{os.environ['PATH']}"
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    quoted = shlex.join(words)
    if shell == "bash":
        script = f"source {PACKAGING}/coolantctl\nCOMP_WORDS=({quoted}); COMP_CWORD={len(words) - 1}\n_coolantctl\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"\n"
    else:
        script = (f"compadd() {{ shift; for w in \"$@\"; do [[ $w == {shlex.quote(words[-1])}* ]] && print -r -- $w; done; return 0 }}\n_files() {{ print FILES; }}\n"
                  f"words=({quoted}); CURRENT={len(words)}\nsource {PACKAGING}/_coolantctl\n")
    r = run([shell, *(["-f"] if shell == "zsh" else ["--norc"]), "-c", script], env={"PATH": path, "HOME": str(folder)}, cwd=folder)
    assert r.returncode == 0 and r.stderr == "", r
    return set(r.stdout.split())


def test_everything_is_in_the_manual():
    page = rendered(PACKAGING / "coolantctl.1")
    every = commands()
    assert {"check", "status", "points", "alarms", "alarms ack", "top", "spool", "report", "explain", "read", "scan", "capture", "profiles"} <= set(every)
    for name, options in every.items():
        assert re.search(rf"^\s+coolantctl {name}\b", page, re.M), name
        assert all(o in page for o in options), name
    kinds = re.findall(r"With --json: ([a-z-]+\.schema\.json)", page)
    assert len(kinds) > 10 and all((ROOT / "packaging" / "schemas" / k).exists() for k in kinds), kinds


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completions(daemon, tmp_path, shell):  # noqa: F811
    if not shutil.which(shell):
        pytest.skip(f"no {shell}")
    every = commands()
    assert complete(shell, tmp_path, "coolantctl ") == {n for n in every if " " not in n}
    for name, options in every.items():
        assert complete(shell, tmp_path, f"coolantctl {name} --") == options, name
    assert complete(shell, tmp_path, "coolantctl al") == {"alarms"}
    assert {"ack", "shelve", "unshelve", "history"} <= complete(shell, tmp_path, "coolantctl --json alarms ")
    assert complete(shell, tmp_path, "coolantctl report --format ") == {"text", "csv", "json"}
    assert complete(shell, tmp_path, "coolantctl report --day ") == set()
    where = f"coolantctl --socket {tmp_path}/http "
    assert complete(shell, tmp_path, where + "points d.f") == {"d.flow"}
    assert complete(shell, tmp_path, where + "alarms ack d-l") >= {"d-leak"}
    assert complete(shell, tmp_path, where + "explain alarm.d-leak") >= {"alarm.d-leak"}
    assert complete(shell, tmp_path, where + "alarms shelve d-leak ") == set()
    (tmp_path / "some.ini").write_text("")
    assert complete(shell, tmp_path, "coolantctl check ") >= ({"some.ini"} if shell == "bash" else {"FILES"})
