"""coolantctl init: a configuration that is good, from flags and from answers."""
import os
import pty
import re
import select

import pytest
from harness import COOLANTCTL, COOLANTD, PATIENCE, PROFILES, run

ENV = {"COOLANTD_PROFILE_PATH": str(PROFILES), "PATH": os.environ["PATH"], "TERM": "xterm"}
FLAGS = ("--site", "dc1", "--rack", "r07", "--broker", "mqtts://broker.example", "--username", "u", "--password-file", "password",
         "--bus", "cdu=rtu:///dev/ttyUSB0?baud=9600&parity=none", "--bus", "meters=tcp://192.0.2.10:1502",
         "--device", "cdu1=cdu::orv3-rpu", "--device", "pdu1=meters:1:schneider-iem3000", "--device", "main=meters:2:janitza-b-series",
         "--it", "pdu1", "--facility", "main", "--coolant", "water")


def init(*args, **options):
    return run([COOLANTCTL, "init", *args], env=ENV, **options)


def good(path):
    r = run([COOLANTD, "-c", path, "--check"], env=ENV)
    assert r.returncode == 0, r.stderr
    return r.stdout


def test_from_flags(tmp_path):
    path = tmp_path / "coolantd.ini"
    for args in (("--output", path), ("-c", path), (path,)):
        path.unlink(missing_ok=True)
        r = init(*FLAGS, *args)
        assert r.returncode == 0 and r.stdout == "" and f"coolantctl check {path}" in r.stderr, r
        assert "2 buses, 3 devices" in good(path) and "1 loops, 1 PUE figures" in good(path)
    text = path.read_text()
    for line in ("site = dc1", "broker = mqtts://broker.example", "#qos = 1", "#max_size = 256MiB", "baud = 9600", "tcp_port = 1502", "[loop:cdu1]", "coolant = water"):
        assert line in text.splitlines(), line
    assert len(re.findall(r"^# .+\n#?\w+ = ", text, re.M)) > 20  # each key with what it is for
    # every default that is a comment is what holds without it
    path.write_text(re.sub(r"^#(\w+ = .+)$", r"\1", text.split("# --- buses")[0], flags=re.M) + "[bus:b]\ntype = tcp\nhost = h\n")
    good(path)


def test_what_is_there_is_left(tmp_path):
    path = tmp_path / "coolantd.ini"
    path.write_text("mine\n")
    r = init("--site", "a", "--rack", "b", "--output", path)
    assert r.returncode == 1 and path.read_text() == "mine\n" and "--force" in r.stderr
    assert init("--site", "a", "--rack", "b", "--output", path, "--force").returncode == 0 and "0 buses" in good(path)
    assert os.listdir(tmp_path) == ["coolantd.ini"]
    r = init("--site", "a", "--rack", "b", "--output", tmp_path / "no" / "where.ini")
    assert r.returncode == 1 and "No such file" in r.stderr
    r = init("--site", "a", "--rack", "b")
    assert r.returncode == 0 and "site = a" in r.stdout
    (tmp_path / "piped.ini").write_text(r.stdout)
    good(tmp_path / "piped.ini")


@pytest.mark.parametrize("args, what", [
    ((), "--site is missing"), (("--site", "a", "--rack", "r", "--facility", "m"), "--it is missing"), (("--site", "a"), "--rack is missing"), (("--site", "a/b", "--rack", "r"), "site"), (("--site", "a\n[mqtt]", "--rack", "r"), "cannot stand"),
    (("--site", "a", "--rack", "r", "--bus", "b"), "allowed: up to 64 of NAME=URL"), (("--site", "a", "--rack", "r", "--bus", "b=http://x"), "is no bus"),
    (("--site", "a", "--rack", "r", "--device", "d=b"), "NAME=BUS:UNIT:PROFILE"), (("--site", "a", "--rack", "r", "--device", "d=b:1:generic-flow"), "bus"),
    (("--site", "a", "--rack", "r", "--bus", "b=tcp://h", "--device", "d=b:1:generic-flwo"), "did you mean 'generic-flow'?"),
    (("--site", "a", "--rack", "r", "--broker", "http://x"), "broker")])
def test_what_would_not_be_good_is_not_written(tmp_path, args, what):
    r = init(*args, "--output", tmp_path / "x.ini", stdin=-3)
    assert r.returncode == 2 and what in r.stderr and not (tmp_path / "x.ini").exists(), r


def test_from_answers(tmp_path):
    """On a terminal; what is wrong is asked for again."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execve(COOLANTCTL, [str(COOLANTCTL), "init", "--output", str(tmp_path / "c.ini")], ENV)
    said = ""
    for question, answer in (("Site [dc1]: ", ""), ("controller stands beside: ", "a b/c"), ("controller stands beside: ", "r07"), ("broker [mqtt", "http://x"),
                             ("broker [mqtt", ""), ("(empty: no more): ", "cdu=nonsense"), ("is no bus", "cdu=tcp://192.0.2.10"), ("(empty: no more): ", ""),
                             ("Device as", "d=cdu:1:generic-flwo"), ("did you mean 'generic-flow'?", "d=cdu:1:generic-flow"), ("Device as", "")):
        while question not in said:
            assert select.select([fd], [], [], PATIENCE)[0], said
            said += os.read(fd, 4096).decode()
        said = said.partition(question)[2]
        os.write(fd, answer.encode() + b"\n")
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(fd)
    assert "1 buses, 1 devices" in good(tmp_path / "c.ini")
