"""Energies and alarms over a restart, and what happens when they cannot be saved."""
import contextlib
import pathlib
import random
import shutil
import sqlite3
import struct
import subprocess
import time

import harness
from harness import Coolantd, device, head, tcp_bus
from test_spool import Disk

METERS = ("facility", "rack")
ALARMS = ("[alarm:leak]\npoint = rack.leak\nwhen = true\nseverity = critical\nlatch = yes\nmessage = a leak\n"
          "[alarm:power]\npoint = rack.active_power\nwhen = above\nlimit = 10\nmessage = much power\n")


def start_meters(start, tmp_path):
    """Two meters of 118 and 100 kW with counters in Wh, which the test sets."""
    server = start(harness.ModbusServer, tmp_path, {
        "1": {"holding": harness.registers(0, harness.f32(118.0) + [0, 0, 0])},
        "2": {"holding": harness.registers(0, harness.f32(100.0) + [0, 0, 0])}})
    points = ("[point:{0}.active_power]\nregister = holding:0\ntype = f32\nunit = kW\n"
              "[point:{0}.active_energy_import]\nregister = holding:2\ntype = u32\nunit = kWh\nscale = 0.001\ncounter = yes\n"
              "[point:{0}.leak]\nregister = holding:4\ntype = bool\nbit = 0\n")
    ini = tcp_bus("b", server.port) + "".join(
        device(name, "b", unit, extra="poll_interval = 200ms\n" + points.format(name))
        for unit, name in enumerate(METERS, 1)) + "[pue:row]\nfacility = facility\nit = rack\nwindows = 1m, 1h, 1d\n" + ALARMS
    return server, ini


def set_energy(server, wh):
    """The rack has counted so much, the facility 1.18 times that."""
    for unit, value in ((1, wh * 118 // 100), (2, wh)):
        server.set(unit, "holding", 2, [value >> 16, value & 0xffff])


def it_kwh(m):
    return m.json["windows"]["1m"]["it_kwh"]


def rows(folder):
    """What is in the file of a coolantd that has ended."""
    with contextlib.closing(sqlite3.connect(folder / "state.db")) as db:
        return set(db.execute("SELECT kind, name FROM saved"))


def wait_for_save(folder):
    changed, wal = time.time(), folder / "state.db-wal"
    harness.wait_for(lambda: wal.exists() and wal.stat().st_mtime > changed, "a saved state", 20)


def stepped(tmp_path, seconds):
    """(file, environment) of a coolantd whose wall clock is so far from ours."""
    step = tmp_path / "step"
    step.write_bytes(struct.pack("q", seconds))
    return step, {"LD_PRELOAD": str(harness.BUILD / "tests/system/clock_step.so"), "CLOCK_STEP": str(step),
                  "ASAN_OPTIONS": "verify_asan_link_order=0"}


def hold(seconds):
    until = time.monotonic() + seconds
    harness.wait_for(lambda: time.monotonic() > until, "the time", seconds + 5)


def test_energy_of_a_stop_and_alarms_survive(start, broker, subscriber, tmp_path):
    server, ini = start_meters(start, tmp_path)
    set_energy(server, 1000000)
    server.set(2, "holding", 4, [1])
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    subscriber.wait("alarm/leak", lambda m: m.json["state"] == "active")
    hold(1)
    set_energy(server, 1001000)
    server.set(2, "holding", 4, [0])
    subscriber.wait("alarm/leak", lambda m: m.json["state"] == "cleared_unacknowledged", timeout=20)
    raised = subscriber.wait("alarm/power", lambda m: m.json["state"] == "active").json["ts"]
    # a changed alarm is saved within a second or so; a kill loses nothing of what the counters say
    wait_for_save(tmp_path / "state")
    daemon.process.kill()
    daemon.process.wait()
    mark = len(subscriber.messages)
    set_energy(server, 1003000)
    hold(2)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    subscriber.wait("status", lambda m: m.text == "online", after=mark)
    # the latched alarm is still to be acknowledged, the other one was not raised anew
    hold(3)
    states = [m.json["state"] for m in subscriber.of("alarm/leak", mark)]
    assert set(states) == {"cleared_unacknowledged"}, states
    power = subscriber.of("alarm/power", mark)
    assert {m.json["state"] for m in power} == {"active"} and {m.json["ts"] for m in power} == {raised}
    assert not any("alarm power" in l for l in daemon.lines), daemon.text
    # the kilowatt-hour of before and the two of the stop
    subscriber.wait("pue/row", lambda m: abs((it_kwh(m) or 0) - 3) < 0.01, after=mark)
    daemon.stop()
    assert rows(tmp_path / "state") == {("pue", "row"), ("pue_trace", "row"), ("trend.pue", "row"), ("alarm", "leak"), ("alarm", "power"), ("alarm", "facility-leak"), ("retained", ""), ("records", "records"),
                                         *(("alarm", f"{name}-lost") for name in ("facility-leak", "rack-leak", "row-facility", "row-rack"))}


def test_a_clock_that_is_set_after_the_start_costs_nothing(start, broker, subscriber, tmp_path):
    """As on a controller without a clock of its own: after the boot it is an hour earlier until the network tells."""
    server, ini = start_meters(start, tmp_path)
    set_energy(server, 1000000)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    subscriber.wait("pue/row", lambda m: it_kwh(m) == 0)
    set_energy(server, 1001000)
    subscriber.wait("pue/row", lambda m: it_kwh(m) == 1)
    daemon.stop()
    set_energy(server, 1003000)
    step, env = stepped(tmp_path, -3600)
    mark = len(subscriber.messages)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini, env=env)
    behind = subscriber.wait("pue/row", lambda m: "clock" in m.json["windows"]["1m"].get("reason", ""), after=mark).json
    assert behind["windows"]["1m"]["pue"] is None
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None, after=mark)
    with open(step, "r+b") as f:
        f.write(struct.pack("q", 0))
    subscriber.wait("pue/row", lambda m: abs((it_kwh(m) or 0) - 3) < 0.01, after=mark)


def expect_anew(start, broker, subscriber, tmp_path, ini, reason):
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    line = daemon.wait_line("cannot be used, it was set aside as state.db.bad1")
    assert reason in line, line
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None)
    assert (tmp_path / "state" / "state.db.bad1").exists()
    wait_for_save(tmp_path / "state")
    daemon.stop()
    assert ("pue", "row") in rows(tmp_path / "state")


def test_a_damaged_state_is_set_aside(start, broker, subscriber, tmp_path):
    _, ini = start_meters(start, tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "state.db").write_bytes(b"SQLite format 3\0" + random.Random(1).randbytes(50000))
    expect_anew(start, broker, subscriber, tmp_path, ini, "")


def changes(folder):
    """The alarms whose changes are in the file of a coolantd that has ended."""
    with contextlib.closing(sqlite3.connect(folder / "state.db")) as db:
        return [name for name, in db.execute("SELECT name FROM changes ORDER BY id")]


def test_a_damaged_row_is_noticed(start, broker, subscriber, tmp_path):
    """A bit that falls over in a blob is nothing that SQLite knows of. What had happened is not forgotten for that."""
    server, ini = start_meters(start, tmp_path)
    server.set(2, "holding", 4, [1])
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None)
    subscriber.wait("alarm/leak", lambda m: m.json["state"] == "active")
    assert harness.ask(tmp_path, "POST", "/v1/alarms/leak/ack")[0] == 200
    daemon.stop()
    before = changes(tmp_path / "state")
    assert before.count("leak") == 2
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "state.db", isolation_level=None)) as db:
        (data,) = db.execute("SELECT data FROM saved WHERE kind = 'pue'").fetchone()
        db.execute("UPDATE saved SET data = ? WHERE kind = 'pue'", (data[:20] + bytes([data[20] ^ 4]) + data[21:],))
    expect_anew(start, broker, subscriber, tmp_path, ini, "it is damaged")
    assert changes(tmp_path / "state")[:len(before)] == before


def test_a_state_of_a_newer_version_is_set_aside(start, broker, subscriber, tmp_path):
    _, ini = start_meters(start, tmp_path)
    (tmp_path / "state").mkdir()
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "state.db")) as db:
        db.execute("PRAGMA application_id = 1668051828")
        db.execute("PRAGMA user_version = 99")
    expect_anew(start, broker, subscriber, tmp_path, ini, "format 99 of another version of coolantd")


def test_a_spool_in_the_place_of_the_state_is_foreign(start, broker, subscriber, tmp_path):
    _, ini = start_meters(start, tmp_path)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None)
    daemon.stop()
    shutil.copy(tmp_path / "state" / "spool.db", tmp_path / "state" / "state.db")
    expect_anew(start, broker, subscriber, tmp_path, ini, "another program")


# A file of the version before state.db: a kilowatt-hour counted, the leak still to be acknowledged, the other alarm
# active since then, and one of an alarm that is configured no more.
OLD_STATE = pathlib.Path(__file__).with_name("control.state")
OLD_STATE_S, OLD_ALARM_MS = 1795581712, 1795581706062


def test_the_state_of_an_earlier_version_is_taken_over(start, broker, subscriber, tmp_path):
    server, ini = start_meters(start, tmp_path)
    folder = tmp_path / "state"
    folder.mkdir()
    shutil.copy(OLD_STATE, folder)
    set_energy(server, 1003000)
    _, env = stepped(tmp_path, OLD_STATE_S + 5 - int(time.time()))
    for taken_before in (False, True):
        mark = len(subscriber.messages)
        daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini, env=env)
        subscriber.wait("pue/row", lambda m: abs((it_kwh(m) or 0) - 3) < 0.01, after=mark)
        subscriber.wait("alarm/leak", lambda m: m.json["state"] == "cleared_unacknowledged", after=mark)
        subscriber.wait("alarm/power", lambda m: m.json["state"] == "active" and m.json["ts"] == OLD_ALARM_MS, after=mark)
        # that version had no alarms of what is lost
        count = 8 if taken_before else 4
        assert any(f"took up the state of {count} " in l for l in daemon.lines), daemon.text
        assert any("alarm old is configured no more" in l for l in daemon.lines) != taken_before
        if taken_before:
            assert "control.state" not in daemon.text
        else:
            daemon.wait_line("control.state of an earlier version is taken over")
            daemon.wait_line("control.state is in state.db now, it was renamed control.state.taken", 20)
        daemon.process.kill()
        daemon.process.wait()
        assert not (folder / "control.state").exists()
        assert (folder / "control.state.taken").read_bytes() == OLD_STATE.read_bytes()


def test_a_damaged_state_of_an_earlier_version_is_set_aside(start, broker, subscriber, tmp_path):
    _, ini = start_meters(start, tmp_path)
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "control.state").write_bytes(b"CLSTATE1" + b"\x55" * 300)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    daemon.wait_line("control.state is damaged or of another version, it was set aside as control.state.bad")
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None)
    assert (tmp_path / "state" / "control.state.bad").exists()
    wait_for_save(tmp_path / "state")


def expect_trouble(daemon, subscriber, reason):
    line = daemon.wait_line("alarm coolantd-state is active: the state cannot be saved, a restart would lose it", 45)
    assert reason in line, line
    alarm = subscriber.wait("alarm/coolantd-state", lambda m: m.json["state"] == "active").json
    assert reason in alarm["message"]


def expect_no_trouble(subscriber):
    subscriber.wait("alarm/coolantd-state", lambda m: m.json["state"] == "normal", timeout=25)


def test_a_state_that_cannot_be_saved_is_said(start, broker, subscriber, tmp_path):
    _, ini = start_meters(start, tmp_path)
    (tmp_path / "state" / "state.db").mkdir(parents=True)  # in the way of the file
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    expect_trouble(daemon, subscriber, "Is a directory")
    (tmp_path / "state" / "state.db").rmdir()
    expect_no_trouble(subscriber)


def test_a_full_disk(start, broker, subscriber, tmp_path):
    """It is said, nothing else suffers, and when there is room again the next save takes everything."""
    server, ini = start_meters(start, tmp_path)
    disk = start(Disk, tmp_path)
    text = head(tmp_path, broker.port).replace(f"{tmp_path}/state", f"{disk.mount_point}/state") + ini
    set_energy(server, 1000000)
    daemon = start(Coolantd, tmp_path, text)
    subscriber.wait("pue/row", lambda m: it_kwh(m) == 0)
    wait_for_save(disk.mount_point / "state")
    with open(disk.mount_point / "ballast", "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(4096))
        except OSError:
            pass
    server.set(2, "holding", 4, [1])
    expect_trouble(daemon, subscriber, "No space left on device")
    (disk.mount_point / "ballast").unlink()
    expect_no_trouble(subscriber)
    set_energy(server, 1001000)
    subscriber.wait("pue/row", lambda m: it_kwh(m) == 1)
    wait_for_save(disk.mount_point / "state")  # the one that made good may be of before the leak
    daemon.process.kill()
    daemon.process.wait()
    mark = len(subscriber.messages)
    daemon = start(Coolantd, tmp_path, text)
    subscriber.wait("pue/row", lambda m: it_kwh(m) == 1, after=mark)
    states = {m.json["state"] for m in subscriber.of("alarm/leak", mark)}
    assert states == {"active"} and "set aside" not in daemon.text
    daemon.stop()


def test_a_folder_that_cannot_be_written(start, broker, subscriber, tmp_path):
    _, ini = start_meters(start, tmp_path)
    disk = start(Disk, tmp_path)
    text = head(tmp_path, broker.port).replace(f"{tmp_path}/state", f"{disk.mount_point}/state") + ini
    subprocess.run(["mount", "-o", "remount,ro", disk.mount_point], check=True)
    daemon = start(Coolantd, tmp_path, text)
    assert any("nothing outlives a restart: Read-only file system" in l for l in daemon.lines), daemon.text
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is not None)
    daemon.stop()


def test_kill_9_at_any_moment(start, broker, subscriber, tmp_path):
    """While an alarm that comes and goes has the state saved all the time."""
    server, ini = start_meters(start, tmp_path)
    set_energy(server, 1000000)
    power = ini.replace("limit = 10\n", "limit = 10\ndelay_off = 0s\n")
    leaked = False
    for run in range(6):
        mark = len(subscriber.messages)
        daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + power)
        subscriber.wait("alarm/leak", lambda m: m.json["state"] in ("normal", "cleared_unacknowledged", "active"), after=mark)
        if leaked:
            assert subscriber.of("alarm/leak", mark)[0].json["state"] == "cleared_unacknowledged"
        else:
            server.set(2, "holding", 4, [1])
            subscriber.wait("alarm/leak", lambda m: m.json["state"] == "active", after=mark)
            server.set(2, "holding", 4, [0])
            subscriber.wait("alarm/leak", lambda m: m.json["state"] == "cleared_unacknowledged", timeout=20, after=mark)
            wait_for_save(tmp_path / "state")
            leaked = True
        end, kilowatts = time.monotonic() + random.Random(run).uniform(1, 5), 100.0
        while time.monotonic() < end:
            kilowatts = 105.0 - kilowatts
            server.set(2, "holding", 0, harness.f32(kilowatts))
            hold(0.4)
        daemon.process.kill()
        daemon.process.wait()
        assert "set aside" not in daemon.text and "cannot" not in daemon.text, daemon.text
