"""Narrow and long links, a disk that is slow or broken, and much data: live values stay live, and nothing is lost."""
import contextlib
import os
import pathlib
import random
import sqlite3
import struct
import threading
import time

import harness
import pytest
import wire
from harness import Coolantd, device, head
from mqtt_broker import RECEIVE_MAXIMUM, ScriptedBroker, sequence
from test_broker_refusals import HISTORY_S, row, run_on
from wire import Wire, points

QUICK_HISTORY = "replay_delay = 0s\nreplay_rate = 20000\n"

PLAIN = os.environ.get("COOLANTD_PLAIN_BUILD")

PACKS_AFTER_S = 60  # of an outage: a minute of it is packed into one


class Plant:
    """Eight devices of 125 registers of noise, 10,000 points a second. The first register counts."""

    UNITS, COUNT = 8, 125

    def __init__(self, start):
        self.counts, self.log, self.lock = {}, [], threading.Lock()
        self.chance, self.began = random.Random(1), time.monotonic()
        self.wires = [start(Wire, "tcp", self.script) for _ in range(2)]

    def script(self, request):
        with self.lock:
            n = self.counts[request.unit] = self.counts.get(request.unit, 0) + 1
            self.log.append((time.time(), request.unit, n))
            noise = self.chance.randbytes(2 * self.COUNT - 2)
        return [request.pdu(bytes([3, 2 * self.COUNT]) + struct.pack(">H", n) + noise)]

    def ini(self):
        return "".join(w.bus(f"b{i}") for i, w in enumerate(self.wires)) + "".join(
            device(f"d{u}", f"b{u % 2}", u, extra="poll_interval = 100ms\n" + points(f"d{u}", [("holding", 0, self.COUNT)]))
            for u in range(1, self.UNITS + 1))

    def before(self, moment):
        with self.lock:
            return {(f"d{u}", n) for t, u, n in self.log if t < moment}

    def wait_until(self, seconds):
        """So long after the beginning."""
        harness.wait_for(lambda: time.monotonic() > self.began + seconds, "the time", seconds + 5)


def numbers(broker):
    """(device, count) of all that arrived."""
    return {(m.topic.rsplit("/", 1)[1], m.json["values"].get("holding0")) for m in list(broker.messages) if "/device/" in m.topic and m.payload}


def rss_mib(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("VmRSS:")) / 1024


def files(folder):
    return {p.name: (p.stat().st_size, p.stat().st_mtime_ns) for p in folder.iterdir() if p.name.startswith("spool")}


def longest_pause(folder, seconds):
    """Between two writes of the spool."""
    before, written, pause, end = files(folder), time.monotonic(), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.02)  # how finely it is looked at
        now = files(folder)
        if now != before:
            before, written = now, time.monotonic()
        pause = max(pause, time.monotonic() - written)
    return pause


def busiest_thread(pid, seconds=0.1):
    """How much of a core it takes."""
    def ticks():
        found = {}
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            fields = (task / "stat").read_text().rsplit(") ", 1)[1].split()
            found[task.name] = int(fields[11]) + int(fields[12])
        return found
    before = ticks()
    time.sleep(seconds)  # what is measured
    return max((n - before.get(t, 0) for t, n in ticks().items()), default=0) / os.sysconf("SC_CLK_TCK") / seconds


@pytest.mark.skipif(not PLAIN, reason="needs a build without sanitizers (COOLANTD_PLAIN_BUILD)")
def test_saving_never_waits_for_packing(start, tmp_path, monkeypatch):
    """What may be lost is a second, and memory is flat, however long the broker is away."""
    monkeypatch.setattr(harness, "COOLANTD", pathlib.Path(PLAIN) / "daemon" / "coolantd")
    plant = Plant(start)
    daemon = run_on(start, tmp_path, harness.free_port(), plant.ini())
    plant.wait_until(PACKS_AFTER_S - 3)
    before, most, pauses = rss_mib(daemon.process.pid), 0, []
    for _ in range(4):
        pauses.append(longest_pause(tmp_path / "state", 4))
        most = max(most, rss_mib(daemon.process.pid))
    assert max(pauses) < 1.2, f"nothing was saved for {max(pauses):.1f} s"
    assert most - before < 20, f"{before:.0f} MiB became {most:.0f}"


def test_a_stop_while_the_spool_packs_loses_nothing(start, tmp_path):
    plant, broker = Plant(start), start(ScriptedBroker)
    broker.away()
    daemon = run_on(start, tmp_path, broker.port, plant.ini(), spool=QUICK_HISTORY)
    plant.wait_until(PACKS_AFTER_S - 3)
    given_up = time.monotonic() + 15  # where packing is not seen, any moment is as good
    harness.wait_for(lambda: busiest_thread(daemon.process.pid) > 0.7 or time.monotonic() > given_up, "packing", 20)
    wire.pass_time(0.8)  # in the middle of it: what was saved last is as old
    asked = time.time()
    assert daemon.stop() == 0
    assert time.time() - asked < 2
    wanted = plant.before(asked - 0.1)
    broker.back()
    run_on(start, tmp_path, broker.port, "", spool=QUICK_HISTORY)
    harness.wait_for(lambda: wanted <= numbers(broker), lambda: f"missing {len(wanted - numbers(broker))} of {len(wanted)}", HISTORY_S)


@pytest.mark.parametrize("delay", [0.3, 0.8])
def test_the_disk_is_left_alone_on_a_long_link(start, tmp_path, delay):
    """All is acknowledged, a round trip later."""
    broker = start(ScriptedBroker)
    broker.delay = delay
    run_on(start, tmp_path, broker.port, row(start, "d", "e"))
    broker.wait("device/d", lambda m: m.json["seq"] > 30)
    before = files(tmp_path / "state")
    wire.pass_time(6)
    assert files(tmp_path / "state") == before
    live, late = (len(broker.of(t + "device/d")) for t in ("", "history/"))
    assert live > 50 and late <= 5  # what was made before the connection was there


def test_a_damaged_record_costs_only_itself(start, tmp_path):
    broker = start(ScriptedBroker)
    broker.away()
    server = start(Wire, "tcp")
    ini = server.bus("b") + device("d", "b", 1, extra="poll_interval = 50ms\n" + points("d", [("holding", 0, 2)]))
    daemon = run_on(start, tmp_path, broker.port, ini, spool=QUICK_HISTORY)
    harness.wait_for(lambda: len(server.requests) > 200, "a backlog")
    assert daemon.stop() == 0
    with contextlib.closing(sqlite3.connect(tmp_path / "state" / "spool.db", isolation_level=None)) as db:
        tables = [t for t, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        blobs = {(t, c[1]): db.execute(f"SELECT count(*) FROM {t} WHERE typeof({c[1]}) = 'blob'").fetchone()[0]
                 for t in tables for c in db.execute(f"PRAGMA table_info({t})").fetchall()}
        (table, column), count = max(blobs.items(), key=lambda b: b[1])
        assert count >= 5, blobs
        rowid, data = db.execute(f"SELECT rowid, {column} FROM {table} ORDER BY rowid LIMIT 1 OFFSET {count // 2}").fetchone()
        db.execute(f"UPDATE {table} SET {column} = ? WHERE rowid = ?", (bytes(b ^ 0x5a for b in data), rowid))
    broker.back()
    daemon = run_on(start, tmp_path, broker.port, "", spool=QUICK_HISTORY)

    def late():
        return {m.json["seq"] for m in broker.of("history/device/d")}
    lost = 2 * 200 / count
    harness.wait_for(lambda: len(late()) >= 200 - lost, lambda: f"{len(late())} of 200 arrived, in {count} records:\n{daemon.text}", HISTORY_S)
    daemon.wait_line("damaged|cannot be read")


@pytest.mark.parametrize("limit", [{}, {RECEIVE_MAXIMUM: 20}], ids=["no limit", "20 in flight"])
def test_live_values_are_new_on_a_link_that_takes_half_of_them(start, tmp_path, limit):
    """50 messages a second of 100: the newest state of a device goes first, what it overtakes becomes history."""
    server, broker = start(Wire, "tcp"), start(ScriptedBroker, small_buffers=True)
    broker.connack_properties, broker.rate = limit, 50
    run_on(start, tmp_path, broker.port, server.bus("b") + "".join(
        device(f"d{u}", "b", u, extra=points(f"d{u}", [("holding", 0, 2)])) for u in range(1, 101)))
    broker.wait("device/d1", lambda m: m.age < 5)
    wire.pass_time(18)
    live = [m for m in broker.messages if "/r07/device/" in m.topic and m.time > time.time() - 10]
    oldest = max(m.age for m in live)
    assert oldest < 2.5, f"a live value was {oldest:.1f} s old"
    devices = {m.topic for m in live}
    assert len(devices) == 100, f"{len(devices)} of 100 devices in ten seconds"


class HangingDisk:
    def __init__(self, folder):
        self.file = folder / "hang"
        self.env = {"LD_PRELOAD": str(harness.BUILD / "tests/system/slow_disk.so"), "SLOW_DISK": str(self.file),
                    "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def hang(self):
        self.file.write_text("")


def test_a_disk_that_hangs(start, tmp_path):
    """It is said in seconds; what is in memory, and what the disk was given, goes out; the stop does not wait for it."""
    broker, disk = start(ScriptedBroker), HangingDisk(tmp_path)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port, "publish = always\n") + row(start, "d"), env=disk.env)
    broker.wait("device/d", lambda m: m.json["seq"] > 5)
    disk.hang()
    broker.away()
    daemon.wait_line("alarm coolantd-spool is active", timeout=8)
    mark = len(broker.messages)
    broker.back()
    last = broker.wait("device/d", lambda m: m.age < 1, after=mark).json["seq"]
    assert broker.wait("alarm/coolantd-spool", after=mark).json["state"] == "active"
    harness.wait_for(lambda: set(range(1, last)) <= set(sequence(broker, "d")),
                     lambda: f"missing {sorted(set(range(1, last)) - set(sequence(broker, 'd')))[:20]}", HISTORY_S)
    asked = time.monotonic()
    assert daemon.stop() == 0
    assert time.monotonic() - asked < 2 + 2 * harness.SANITIZED  # the thread sanitizer alone sleeps for a second at the end
    disk.file.unlink()


def test_a_full_state_of_many_topics_is_paced(start, tmp_path):
    """20,000 points with a topic each, after a broker's return without its memory: all are there, and nothing was dropped."""
    server, broker, units, count = start(Wire, "tcp"), start(ScriptedBroker), 160, 125
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port, "layout = point\n") + server.bus("b") + "".join(
        device(f"d{u}", "b", u, extra="poll_interval = 5s\n" + points(f"d{u}", [("holding", 0, count)])) for u in range(1, units + 1)))

    def there():
        return sum(t.startswith("point/") for t in broker.kept())
    harness.wait_for(lambda: there() == units * count, there, 40)
    broker.away(forget=True)
    daemon.wait_line("no connection to the broker")
    broker.back()
    harness.wait_for(lambda: there() == units * count, there, 20)
    mark = len(broker.messages)
    health = broker.wait("health", timeout=25, after=mark).json
    assert health["publisher"]["dropped"] == 0 and health["spool"]["dropped"] == 0
