"""What a profile says of its model: which registers tell it, and whether it was tried on one."""
import random

import harness
import wire
from harness import COOLANTD, PROFILES, device, run, tcp_bus, wait_for

METER = """[profile]
vendor = Acme
model = M1
identify = holding:50 0x1234, discrete:3 1
[point:power]
register = holding:0
[point:serial]
register = holding:10
poll = once
"""
RIGHT = {"holding": {0: 7, 10: 4711, 50: 0x1234}, "discrete": {3: 1}}
FAST = "response_timeout = 200ms\nmax_backoff = 1s\n"


def test_another_device_gives_no_plausible_numbers(start, coolantd, subscriber, tmp_path):
    (tmp_path / "meter.ini").write_text(METER)
    units = {1: RIGHT, 2: {"holding": {0: 7, 10: 1, 50: 0x1235}, "discrete": {3: 1}}, 3: {"holding": {0: 7, 10: 1}}}
    server = start(harness.ModbusServer, tmp_path, units)
    daemon = coolantd(tcp_bus("b", server.port, FAST) + "".join(
        device(f"d{u}", "b", u, extra="profile = meter\npoll_interval = 200ms\n") for u in units))
    subscriber.wait("device/d1", lambda m: m.json["values"] == {"power": 7, "serial": 4711})
    for name, why in ("d2", "is 0x1235"), ("d3", r"is refused with exception 2 \(illegal data address\)"):
        m = subscriber.wait(f"device/{name}", lambda m: m.json["quality"].get("power") == "invalid")
        assert m.json["values"] == {"power": None, "serial": None}
        assert m.json["quality"] == {"power": "invalid", "serial": "invalid"}
        daemon.wait_line(f"device {name} on bus b, unit {name[1]}, is not what profile meter describes: holding:50 {why}")
    devices = subscriber.wait("health", lambda m: m.json["buses"]["b"]["devices"]["d3"]["wrong"]).json["buses"]["b"]["devices"]
    assert [(devices[d]["wrong"], devices[d]["up"]) for d in ("d1", "d2")] == [(False, True), (True, True)]
    # nothing else is read of it, and it stays invalid: it does not go stale
    assert {a for _, u, a in server.replies() if u == 2} == {50}
    asked = len([r for r in server.replies() if r[1] == 2])
    wait_for(lambda: len([r for r in server.replies() if r[1] == 2]) > asked + 1, "it is asked again")
    assert not [m for m in subscriber.of("device/d2") if "stale" in m.json["quality"].values()]

    server.set(2, "holding", 50, [0x1234])
    subscriber.wait("device/d2", lambda m: m.json["values"] == {"power": 7, "serial": 1})
    daemon.wait_line("device d2 on bus b is now what profile meter describes")

    # after a silence somebody else may be there
    server.stop()
    subscriber.wait("device/d1", lambda m: m.json["quality"].get("power") == "stale")
    before = len(subscriber.messages)
    start(harness.ModbusServer, tmp_path, {1: {"holding": {0: 7, 10: 4711, 50: 1}}}, port=server.port)
    daemon.wait_line("device d1 on bus b, unit 1, is not what profile meter describes: holding:50 is 0x0001, not 0x1234")
    subscriber.wait("device/d1", lambda m: m.json["quality"] == {"power": "invalid", "serial": "invalid"}, after=before)
    assert all(m.json["values"] == {"power": None, "serial": None} for m in subscriber.of("device/d1", before))
    assert daemon.text.count("d2 on bus b, unit 2, is not what") == 1
    assert daemon.text.count("has the profile meter, which was never tried on a device") == 1


def test_a_tested_profile_needs_no_word(start, coolantd, tmp_path):
    (tmp_path / "meter.ini").write_text(METER.replace("vendor", "tested = yes\nvendor"))
    daemon = coolantd(tcp_bus("b", harness.free_port(), FAST) + device("d1", "b", extra="profile = meter\n"))
    assert "never tried" not in daemon.text
    (tmp_path / "meter.ini").write_text(METER)
    daemon.reload(daemon.path.read_text())
    assert "never tried" not in daemon.text  # it was in use already


def test_what_cannot_tell_a_device_is_said(tmp_path):
    wrong = {"holding:1": "TABLE:ADDRESS VALUE", "holding 1 5": "TABLE:ADDRESS VALUE", "register:1 5": "TABLE:ADDRESS VALUE",
             "holding:1 0x10000": "0 to 0xffff", "holding:1 -1": "0 to 0xffff", "coil:1 2": "0 or 1", "holding:65536 1": "ADDRESS",
             "holding:1 5, holding:0x1 6": "each once", "holding:7 1": "is in a hole of this profile"}
    (tmp_path / "coolantd.ini").write_text("[daemon]\nsite = a\nrack = b\n" + tcp_bus("b", 502) + "".join(
        device(f"d{i}", "b", i + 1, extra=f"profile = p{i}\n") for i in range(len(wrong))))
    for i, text in enumerate(wrong):
        (tmp_path / f"p{i}.ini").write_text(f"[profile]\nholes = holding:7\nidentify = {text}\n[point:p]\nregister = holding:0\n")
    r = run([COOLANTD, "-c", tmp_path / "coolantd.ini", "--check"], env={"COOLANTD_PROFILE_PATH": f"{tmp_path}:{PROFILES}"})
    assert r.returncode == 78
    for i, allowed in enumerate(wrong.values()):
        assert [l for l in r.stderr.splitlines() if f"p{i}.ini:3: [profile] identify: " in l and allowed in l], r.stderr


def test_a_late_reply_identifies_nobody(start, coolantd, subscriber, tmp_path):
    """On a line on which nothing but the moment tells the replies to a register and to the one that tells the model."""
    chance, over, late = random.Random(17), False, 0

    def script(request):
        nonlocal late
        if over or request.unit == 7 or chance.random() > 0.6:
            return [0.02, request.right()]
        late += 1
        return [(0.4, request.right())]
    line = start(wire.Wire, "rtu", script)
    blocks = (("holding", 40, 1), ("holding", 80, 1))
    (tmp_path / "m.ini").write_text(f"[profile]\nidentify = holding:20 {wire.encoded(5, 'holding', 20)}, holding:30 {wire.encoded(5, 'holding', 30)}\n" +
                                    "".join(f"[point:holding_{a}]\nregister = holding:{a}\n" for _, a, _ in blocks))
    daemon = coolantd(line.bus("b", "response_timeout = 100ms\nmax_backoff = 1s\nretries = 0\n") +
                      device("d", "b", 5, extra="profile = m\npoll_interval = 200ms\n"), mqtt="publish = always\n")
    wait_for(lambda: late > 6, lambda: f"{late} late replies", 40)
    over, mark = True, len(subscriber.messages)
    subscriber.wait("device/d", lambda m: m.json["quality"] == {}, after=mark)
    for m in subscriber.of("device/d"):
        for name, value in m.json["values"].items():
            assert value in (None, wire.encoded(5, "holding", int(name.removeprefix("holding_")))), m.text
    assert "is not what profile" not in daemon.text
