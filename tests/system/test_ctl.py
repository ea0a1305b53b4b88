"""coolantctl against a coolantd that runs, and without one."""
import getpass
import json
import os
import re
import socket
import threading

import harness
import pytest
import schemas
from harness import device, run, tcp_bus

CTL = harness.COOLANTCTL
USER = getpass.getuser()
INI = ("poll_interval = 200ms\n[point:d.leak]\nregister = coil:0\n[point:d.flow]\nregister = holding:0\nunit = L/min\nscale = 0.1\n"
       "[point:d.name]\nregister = holding:10\ntype = string\nlength = 4\n[point:d.gone]\nregister = holding:1\nunit = Cel\ninvalid = 7\n")
HOSTILE = b"\xc2\x9b31mok."  # a colour, as the one character that begins it, which coolantd lets pass


def ctl(folder, *args, env=None):
    return run([CTL, *args, "--socket", f"{folder}/http"], env={**os.environ, **(env or {})})


def as_json(folder, kind, *args):
    """What --json prints, which is as its schema says."""
    r = ctl(folder, *args, "--json")
    assert (r.returncode, r.stderr) == (0, ""), r
    schemas.load(kind, schemas.closed).validate(json.loads(r.stdout))
    return json.loads(r.stdout)


@pytest.fixture
def server(start, tmp_path):
    words = [int.from_bytes(HOSTILE[i:i + 2], "big") for i in range(0, 8, 2)]
    return start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1}, "holding": {0: 425, 1: 7, **{10 + i: w for i, w in enumerate(words)}}}})


@pytest.fixture
def daemon(server, coolantd, subscriber):
    d = coolantd(tcp_bus("b", server.port) + device("d", "b", extra=INI), "publish = always\n")
    subscriber.wait("alarm/d-leak", lambda m: m.json["state"] == "active")
    return d


def test_listings(daemon, tmp_path):
    r = ctl(tmp_path, "status")
    assert r.returncode == 0 and "1 of 1 up" in r.stdout and "dc1/r07" in r.stdout and "\x1b" not in r.stdout
    as_json(tmp_path, "http-status", "status")
    r = ctl(tmp_path, "points")
    lines = r.stdout.splitlines()
    assert lines[0].split() == ["POINT", "VALUE", "UNIT", "QUALITY", "AGE"]
    assert lines[2].split()[:4] == ["d.flow", "42.5", "L/min", "good"] and lines[4].split()[:4] == ["d.gone", "-", "Cel", "bad"]
    ends = {l.index("good") for l in lines if "good" in l}
    assert len(ends) == 1, r.stdout  # aligned
    assert set(as_json(tmp_path, "http-points", "points", "d.f*")["points"]) == {"d.flow"}
    assert len(as_json(tmp_path, "http-points", "points", "d")["points"]) == 4
    # what a device says does not act on a terminal, and is the same text for a program
    assert "\x9b" not in r.stdout and "\\u009b31mok" in r.stdout
    raw = ctl(tmp_path, "points", "d.name", "--json").stdout
    assert "\x9b" not in raw and json.loads(raw)["points"]["d.name"]["value"] == HOSTILE.decode()
    r = ctl(tmp_path, "alarms")
    assert r.stdout.splitlines()[1].split()[:3] == ["d-leak", "active", "critical"]
    assert "d-leak" in as_json(tmp_path, "http-alarms", "alarms")["alarms"]
    r = ctl(tmp_path, "points", "d.flwo")
    assert r.returncode == 1 and "did you mean 'd.flow'?" in r.stderr and r.stdout == ""


@pytest.mark.parametrize("args, what", [
    ([], "no command"), (["stauts"], "did you mean 'status'?"), (["status", "--jsn"], "did you mean '--json'?"),
    (["points", "a", "b"], "unexpected argument 'b'"), (["status", "--socket"], "--socket needs a value: PATH"),
    (["status", "--json=x"], "--json takes no value"), (["status", "-x"], "unknown option '-x'"), (["--timeout", "5", "status"], "allowed: 1ms"),
    (["\x1b[2J"], "\\x1b[2J"),
])
def test_wrong_usage(args, what):
    r = run([CTL, *args])
    assert r.returncode == 2 and r.stdout == "" and what in r.stderr and "--help'." in r.stderr and r.stderr.startswith("coolantctl: ")
    assert "\x1b" not in r.stderr


def test_help_and_version():
    everything = run([CTL, "--help"])
    names = re.findall(r"^  ([a-z]+(?: [a-z]+)?)(?: [A-Z[-].*)?$|^  ([a-z]+(?: [a-z]+)?)  ", everything.stdout, re.M)
    assert everything.returncode == 0 and len(names) >= 3
    for one in {(a or b).strip() for a, b in names}:
        r = run([CTL, *one.split(), "--help"])
        assert r.returncode == 0 and r.stdout.startswith(f"Usage: coolantctl {one}") and r.stderr == ""
        assert max(map(len, r.stdout.splitlines())) <= 80
    assert re.fullmatch(r"coolantctl \d+\.\d+\.\d+\n", run([CTL, "--version"]).stdout)


class Listener:
    """At a socket of the folder; `answer` is what each connection gets, None = nothing."""

    def __init__(self, folder, answer):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(f"{folder}/http")
        self.socket.listen()
        self.answer = answer
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        kept = []
        while True:
            try:
                s, _ = self.socket.accept()
            except OSError:
                return
            kept.append(s)
            if self.answer is not None:
                s.recv(65536)
                s.sendall(self.answer)
                s.close()


def reply(status, body):
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


@pytest.mark.parametrize("answer, what", [
    (None, "has not answered within 0.2 s"),
    (b"", "no answer that can be read"),
    (b"hello\r\n", "no answer that can be read"),
    (reply("200 OK", b"hi"), "brought no JSON object"),
    (reply("200 OK", b"[]"), "brought no JSON object"),
    (reply("404 Not Found", b"<p>"), "HTTP status 404"),
    (reply("503 Busy", b'{"error":"try \\u001b[2J"}'), "coolantctl: try \\x1b[2J"),
])
def test_answers_that_are_none(tmp_path, answer, what):
    listener = Listener(tmp_path, answer)
    r = ctl(tmp_path, "status", "--timeout", "200ms")
    listener.socket.close()
    assert r.returncode == 1 and what in r.stderr and r.stdout == "" and "\x1b" not in r.stderr, r


def test_no_coolantd(tmp_path):
    r = ctl(tmp_path, "alarms")
    assert r.returncode == 1 and f"coolantctl: {tmp_path}/http: there is no such socket (" in r.stderr
    s = socket.socket(socket.AF_UNIX)
    s.bind(f"{tmp_path}/http")  # what a killed one leaves behind
    r = ctl(tmp_path, "alarms")
    assert r.returncode == 1 and "nobody listens there (" in r.stderr
    r = run([CTL, "status", "--socket", "/" + 200 * "x"])
    assert r.returncode == 1 and "too long" in r.stderr
    ini = tmp_path / "c.ini"
    ini.write_text(f"[daemon]\nsite = s\nrack = r\nhttp_socket = {tmp_path}/other\n")
    r = run([CTL, "status", "-c", ini])
    assert r.returncode == 1 and f"try --socket {tmp_path}/other" in r.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="becomes another user")
def test_no_permission(start, tmp_path):
    listener = Listener(tmp_path, b"")
    os.chmod(f"{tmp_path}/http", 0o600)
    for folder in (tmp_path, *tmp_path.parents):
        if folder != folder.parent and os.stat(folder).st_uid == os.getuid():
            os.chmod(folder, 0o755)
    r = run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", CTL, "status", "--socket", f"{tmp_path}/http"])
    assert r.returncode == 1 and "no permission (allowed: root" in r.stderr, r
    os.chown(f"{tmp_path}/http", 0, 5)
    os.chmod(f"{tmp_path}/http", 0o660)
    r = run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", CTL, "status", "--socket", f"{tmp_path}/http"])
    assert r.returncode == 1 and "members of the group tty: usermod -aG tty USER" in r.stderr
    listener.socket.close()


def test_what_is_done_with_an_alarm(daemon, tmp_path):
    r = ctl(tmp_path, "alarms", "ack", "d-leak")
    assert (r.returncode, r.stdout) == (0, f"d-leak: active, acknowledged by {USER}\n"), r
    r = ctl(tmp_path, "alarms", "ack", "d-leak")
    assert r.returncode == 1 and r.stderr == "coolantctl: d-leak cannot be acknowledged: it is acknowledged already\n"
    r = ctl(tmp_path, "alarms", "ack", "d-laek")
    assert r.returncode == 1 and "did you mean 'd-leak'?" in r.stderr
    for wrong in ("8d", "2", "0s", "x"):
        r = ctl(tmp_path, "alarms", "shelve", "d-leak", wrong)
        assert r.returncode == 2 and "allowed: 1s to 7d" in r.stderr
    assert as_json(tmp_path, "alarm", "alarms", "shelve", "d-leak", "2h")["state"] == "shelved"
    assert re.search(rf"shelved until 20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ by {USER}\)", ctl(tmp_path, "alarms").stdout, re.M)
    assert ctl(tmp_path, "alarms", "unshelve", "d-leak").stdout.startswith("d-leak: active")
    r = ctl(tmp_path, "alarms", "history")
    assert [l.split()[2] for l in r.stdout.splitlines() if " d-leak " in l] == ["active", "active,", "shelved,", "active,"]
    as_json(tmp_path, "http-alarms-history", "alarms", "history")
    r = ctl(tmp_path, "alarms", "akc", "d-leak")
    assert r.returncode == 2 and "did you mean 'ack'?" in r.stderr


def test_explain(daemon, tmp_path):
    for figure in ("d.flow", "alarm.d-leak"):
        r = ctl(tmp_path, "explain", figure)
        assert r.returncode == 0 and figure.split(".")[1] in r.stdout and len(r.stdout.splitlines()) >= 2, r
    told = json.loads(ctl(tmp_path, "explain", "d.flow", "--json").stdout)
    schemas.load("http-explain").validate(told)
    assert told["value"] == 42.5
    r = ctl(tmp_path, "explain", "d.flwo")
    assert r.returncode == 1 and "d.flow" in r.stderr and r.stdout == ""


def test_spool(server, coolantd, broker, tmp_path):
    coolantd(tcp_bus("b", server.port) + device("d", "b", extra=INI + "[sparkplug]\ngroup = g\n"), "publish = always\n")
    harness.wait_for(lambda: harness.ask(tmp_path, "GET", "/v1/status")[1]["publisher"]["connected"], "the broker")
    assert set(as_json(tmp_path, "ctl-spool", "spool")["connections"]) == {"sparkplug"}
    as_json(tmp_path, "http-status", "status")
    assert "broker sparkplug" in ctl(tmp_path, "status").stdout and "[sparkplug]" in ctl(tmp_path, "spool").stdout
    told = as_json(tmp_path, "ctl-spool", "spool")
    assert told["connected"] and told["dropped"] == 0 and told["problem"] is None
    broker.stop()
    harness.wait_for(lambda: harness.ask(tmp_path, "GET", "/v1/status")[1]["spool"]["oldest"], "what waits")
    told = as_json(tmp_path, "ctl-spool", "spool")
    assert told["depth"] > 0 and abs(told["ts"] - told["oldest"]) < 60000 and told["rate"] is not None and not told["connected"]
    r = ctl(tmp_path, "spool")
    assert "not connected" in r.stdout and re.search(r"^oldest +20.*Z$", r.stdout, re.M)
