"""coolantctl top, as a terminal shows it."""
import os
import re
import shlex
import subprocess

import harness
import pytest
from harness import COOLANTCTL, device, run, tcp_bus

INI = ("poll_interval = 200ms\n[point:d.leak]\nregister = coil:0\n[point:d.flow]\nregister = holding:0\nunit = L/min\n"
       "[point:d.cold]\nregister = holding:1\nunit = Cel\n[point:d.warm]\nregister = holding:2\nunit = Cel\n[point:d.gone]\nregister = holding:3\ninvalid = 9\n"
       "[point:d.active_power]\nregister = holding:4\nunit = kW\n[point:d.fan]\nregister = holding:5\nunit = kW\n"
       "[loop:main]\ncoolant = water\nflow = d.flow\nsupply = d.cold\nreturn = d.warm\n[pue:row]\nfacility = d.active_power\nit = d.fan\nwindows = 1m, 1h\n"
       "[alarm:hot]\npoint = d.warm\nwhen = above\nlimit = 20\nmessage = zu heiß: 温度\n")


class Terminal:
    """tmux with nothing but the program in it."""

    def __init__(self, folder, command, columns=80, lines=24, env=""):
        self.socket = folder / "tmux"
        self("-f", "/dev/null", "new-session", "-d", "-x", str(columns), "-y", str(lines),
             f"env {env} {shlex.join(map(str, command))} 2>{folder}/top.err; echo ended with $?; exec cat")

    def __call__(self, *args):
        return subprocess.run(["tmux", "-u", "-S", str(self.socket), *args], capture_output=True, text=True, check=True, timeout=30).stdout

    def show(self, *args):
        return self("capture-pane", "-p", *args)

    def wait(self, *what):
        harness.wait_for(lambda: all(w in self.show() for w in what), lambda: f"{what} in\n{self.show()}")
        return self.show()

    def stop(self):
        subprocess.run(["tmux", "-S", str(self.socket), "kill-server"], check=False, capture_output=True)

    process = True  # started things with a process are stopped


@pytest.fixture
def daemon(start, coolantd, subscriber, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1}, "holding": {0: 100, 1: 30, 2: 40, 3: 9, 4: 118, 5: 100}}})
    d = coolantd(tcp_bus("b", server.port) + device("d", "b", extra=INI))
    subscriber.wait("alarm/d-leak", lambda m: m.json["state"] == "active")
    return d


def test_what_is_seen(daemon, start, tmp_path):
    t = start(Terminal, tmp_path, [COOLANTCTL, "top", "--socket", f"{tmp_path}/http", "--interval", "300ms"])
    text = t.wait("coolantd dc1/r07  healthy", "now 1.18", "heat 69.3", "flow 100 L/min", "critical active", "zu heiß: 温度", "answered  1/1 up", " ms\n", "POINTS 1 to", "q quits")
    assert "1m -!" in text  # without colour too
    assert "\x1b[31m" in t.show("-e") or "\x1b[1m\x1b[31m" in t.show("-e") or "31m" in t.show("-e")
    assert all(len(line) <= 80 for line in text.splitlines())
    # smaller, and larger again
    t("resize-window", "-x", "40", "-y", "12")
    t.wait("coolantd dc1/r07", "q quits, arrows scroll")
    t("resize-window", "-x", "120", "-y", "40")
    t.wait("POINTS 1 to 7 of 7", "d.warm")
    t("resize-window", "-x", "80", "-y", "15")
    t.wait("POINTS 1 to")
    t("send-keys", "Down")
    t.wait("POINTS 2 to")
    # without a daemon it says so, and goes on when there is one
    daemon.stop()
    t.wait("no values: ", "such socket")
    t("send-keys", "q")
    t.wait("ended with 0")


def test_without_colour(daemon, start, tmp_path):
    t = start(Terminal, tmp_path, [COOLANTCTL, "top", "--socket", f"{tmp_path}/http"], env="NO_COLOR=1")
    t.wait("q quits", "critical active")
    assert not any(f"\x1b[{code}m" in t.show("-e") for code in (31, 32, 33, 36))
    t("send-keys", "C-c")
    t.wait("ended with 0")


@pytest.mark.parametrize("term", ["dumb", "", "no-such-terminal"])
def test_a_terminal_that_cannot_be_drawn_on(start, tmp_path, term):
    t = start(Terminal, tmp_path, [COOLANTCTL, "top", "--socket", f"{tmp_path}/http"], env=f"TERM={term}")
    t.wait("ended with 1")
    assert "top needs a terminal" in (tmp_path / "top.err").read_text()


def test_without_a_terminal_it_is_printed_once(daemon, tmp_path):
    def top(**env):
        return run([COOLANTCTL, "top", "--socket", tmp_path / "http"], stdin=subprocess.DEVNULL, env={**os.environ, **env})
    harness.wait_for(lambda: "now 1.18" in top().stdout, lambda: top())
    r = top(TERM="xterm")
    assert (r.returncode, r.stderr) == (0, "") and "\x1b" not in r.stdout
    for words in ("coolantd dc1/r07  healthy", "flow 100 L/min", "critical active", "zu heiß: 温度", "POINTS 1 to 7 of 7"):
        assert words in r.stdout, r.stdout
    assert re.search(r"\nd\.warm +40 Cel *\n", r.stdout)
    daemon.stop()
    r = top()
    assert r.returncode == 1 and r.stdout == "" and r.stderr.startswith("coolantctl: ")
