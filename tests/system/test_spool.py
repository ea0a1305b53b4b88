"""What the broker has not taken survives: outages, kills, broken disks, clocks that jump."""
import os
import random
import resource
import signal
import sqlite3
import struct
import subprocess
import threading
import time

import harness
import pytest
from harness import BASE, Coolantd, Subscriber, device, head, tcp_bus
from mqtt_broker import ScriptedBroker
from test_faults import Scripted, answer

POINT = "[point:d.p]\nregister = holding:0\n"


class Counting(Scripted):
    """Each request is answered by the next number; `log` has (time of the reply, number)."""

    def __init__(self):
        self.log, self.lock = [], threading.Lock()
        super().__init__(self.count)

    def count(self, transaction, unit, _address, _count):
        with self.lock:
            self.log.append((time.time(), len(self.log) % 65536))
            return [answer(transaction, unit, [self.log[-1][1]])]

    def before(self, moment):
        """The numbers that were out for good at a moment."""
        with self.lock:
            return {n for t, n in self.log if t < moment}


def fast(server, interval="50ms"):
    return tcp_bus("b", server.port) + device("d", "b", extra=f"poll_interval = {interval}\n" + POINT)


def of_device(messages):
    return [m for m in list(messages) if m.topic in (f"{BASE}/device/d", f"{BASE}/history/device/d")]


def numbers_of(messages):
    return {m.json["values"].get("p") for m in of_device(messages)}


class Collector:
    """Every number that reached the broker, with how it came."""

    def __init__(self, port):
        self.subscriber = Subscriber(port, f"{BASE}/#")

    def messages(self):
        return of_device(self.subscriber.messages)

    def numbers(self):
        return numbers_of(self.subscriber.messages)

    def close(self):
        self.subscriber.close()


def test_an_outage_arrives_once_and_in_order(start, broker, tmp_path):
    server = start(Counting)
    before = Collector(broker.port)  # from the first value on
    start(Coolantd, tmp_path, head(tmp_path, broker.port, "publish = always\n") + fast(server, "20ms"))
    harness.wait_for(lambda: len(before.messages()) > 20, "live values")
    broker.stop()
    before.close()
    begin = time.time()
    harness.wait_for(lambda: time.time() - begin > 5, "an outage of five seconds", 10)
    broker.start()
    after = Collector(broker.port)
    live = after.subscriber.wait("device/d", lambda m: not m.retain)
    assert live.time - live.json["ts"] / 1000 < 2
    end = live.json["ts"] / 1000
    wanted = server.before(end - 0.1)
    harness.wait_for(lambda: wanted <= before.numbers() | after.numbers(),
                     lambda: f"missing {sorted(wanted - before.numbers() - after.numbers())[:20]}", 30)
    # in order and, but for what was under way when the broker went, once
    history = [m.json["seq"] for m in after.messages() if "history" in m.topic]
    assert history == sorted(history) and len(set(history)) == len(history)
    assert not any(m.retain for m in after.messages() if "history" in m.topic)
    seen = [(m.json["ts"], m.json["seq"]) for c in (before, after) for m in c.messages() if not m.retain]
    assert len(seen) - len(set(seen)) < 200
    after.close()


def test_nothing_touches_the_disk_while_the_broker_answers(start, broker, subscriber, tmp_path):
    server = start(Counting)
    start(Coolantd, tmp_path, head(tmp_path, broker.port, "publish = always\n") + fast(server))
    subscriber.wait("device/d", lambda m: m.json["seq"] > 20)

    def state():
        return {p.name: (p.stat().st_size, p.stat().st_mtime_ns) for p in (tmp_path / "state").iterdir()
                if p.name.startswith("spool")}
    harness.wait_for(lambda: subscriber.last("health").json["spool"]["depth"] == 0, "an empty spool", 20)
    before, seq = state(), subscriber.last("device/d").json["seq"]
    assert "spool.db" in before
    subscriber.wait("device/d", lambda m: m.json["seq"] > seq + 60)
    assert state() == before


def kill_runs(start, broker, tmp_path, away, runs):
    """Kills coolantd at random moments; the numbers that must not be missing."""
    server, wanted = start(Counting), set()
    ini = head(tmp_path, broker.port, "publish = always\n") + fast(server)
    for run in range(runs):
        first = len(server.log)
        daemon = Coolantd(tmp_path, ini)
        if not away:
            daemon.wait_line("connected to the broker")
        harness.wait_for(lambda first=first: len(server.log) > first, "a poll")
        moment = time.monotonic() + random.Random(run).uniform(0.5, 3.0)
        harness.wait_for(lambda moment=moment: time.monotonic() > moment, "the moment")
        daemon.process.kill()
        killed = time.time()
        daemon.process.wait()
        with server.lock:
            wanted |= {n for t, n in server.log[first:] if t < killed - 1}
    assert len(wanted) > 8 * runs
    return server, ini, wanted


def test_kill_9_with_the_broker_up_loses_nothing(start, broker, tmp_path):
    collector = Collector(broker.port)
    _, ini, wanted = kill_runs(start, broker, tmp_path, away=False, runs=10)
    start(Coolantd, tmp_path, ini)  # delivers what the last ones left
    harness.wait_for(lambda: wanted <= collector.numbers(), lambda: f"missing {sorted(wanted - collector.numbers())[:20]}")
    collector.close()


def test_kill_9_with_the_broker_away_loses_nothing(start, tmp_path):
    broker = start(ScriptedBroker)  # which sees all that it acknowledges: nobody needs to be there in time to get it
    broker.away()
    _, ini, wanted = kill_runs(start, broker, tmp_path, away=True, runs=10)
    broker.back()
    daemon = start(Coolantd, tmp_path, ini)
    harness.wait_for(lambda: wanted <= numbers_of(broker.messages),
                     lambda: f"missing {sorted(wanted - numbers_of(broker.messages))[:20]}", 30)
    history = [(m.json["ts"], m.json["seq"]) for m in of_device(broker.messages) if "history" in m.topic]
    assert history == sorted(history), "oldest first over all runs"
    assert daemon.process.poll() is None


def test_a_replay_that_is_interrupted_resumes(start, tmp_path):
    server, broker = start(Counting), start(ScriptedBroker)
    broker.away()
    ini = head(tmp_path, broker.port, "publish = always\n", "replay_delay = 0s\nreplay_rate = 50\n") + fast(server, "20ms")
    daemon = Coolantd(tmp_path, ini)
    harness.wait_for(lambda: len(server.log) > 250, "a backlog")
    wanted = set(range(200))
    for _ in range(3):  # of the broker
        before = len(numbers_of(broker.messages))
        broker.back()
        harness.wait_for(lambda before=before: len(numbers_of(broker.messages)) > before + 60, "a part of the history")
        broker.away()
    daemon.process.kill()  # and of coolantd
    daemon.process.wait()
    broker.back()
    start(Coolantd, tmp_path, ini)
    harness.wait_for(lambda: wanted <= numbers_of(broker.messages),
                     lambda: f"missing {sorted(wanted - numbers_of(broker.messages))[:20]}", 40)


def test_a_full_spool_drops_the_oldest_and_tells_the_gap(start, broker, tmp_path):
    names = ("d", "e", "f", "g")
    servers = {n: start(Scripted, lambda t, u, a, c: [answer(t, u, [random.randrange(65536) for _ in range(c)])])
               for n in names}
    broker.stop()
    ini = (head(tmp_path, broker.port, "publish = always\n", "replay_delay = 0s\nmax_size = 1MiB\nreplay_rate = 10000\n") +
           "".join(tcp_bus(n, servers[n].port) + device(n, n, extra="poll_interval = 20ms\n" + "".join(
               f"[point:{n}.p{i}]\nregister = holding:{i}\n" for i in range(120))) for n in names))
    daemon = start(Coolantd, tmp_path, ini)
    begin = time.time()
    harness.wait_for(lambda: time.time() - begin > 25, "more data than fits", 30)
    files = {p.name: p.stat().st_size for p in (tmp_path / "state").glob("spool*")}
    assert sum(files.values()) < 1.1 * 2**20, files
    broker.start()
    subscriber = Subscriber(broker.port, f"{BASE}/#")
    gap = subscriber.wait("gap", timeout=30)
    assert not gap.retain and gap.json["dropped"] > 100
    assert abs(gap.json["from"] / 1000 - begin) < 2 and gap.json["from"] < gap.json["to"]
    mark = len(subscriber.messages)
    health = subscriber.wait("health", lambda m: m.json["spool"]["depth"] == 0, timeout=40, after=mark).json
    assert health["spool"]["problem"] is None

    def missing():
        """Of all devices: sequence numbers up to the latest that never came."""
        seen = {n: {m.json["seq"] for t in ("", "history/") for m in subscriber.of(f"{t}device/{n}")} for n in names}
        return sum(max(s) - len(s) for s in seen.values())
    dropped = sum(m.json["dropped"] for m in subscriber.of("gap"))
    assert dropped == health["spool"]["dropped"] == missing()
    subscriber.close()
    assert daemon.process.poll() is None


def start_with_file(start, broker, tmp_path, make):
    server = start(Counting)
    (tmp_path / "state").mkdir()
    make(str(tmp_path / "state" / "spool.db"))
    return server, start(Coolantd, tmp_path, head(tmp_path, broker.port, "publish = always\n") + fast(server))


def expect_aside(daemon, subscriber, tmp_path, reason):
    line = daemon.wait_line("alarm coolantd-spool is active")
    assert "set aside as spool.db.bad1" in line and reason in line, line
    alarm = subscriber.wait("alarm/coolantd-spool", lambda m: m.json["state"] == "active").json
    assert "spool.db.bad1" in alarm["message"] and alarm["severity"] == "warning"
    subscriber.wait("device/d", lambda m: not m.retain)
    health = subscriber.wait("health", lambda m: m.json["spool"]["problem"], timeout=25).json
    assert "bad1" in health["spool"]["problem"]
    (tmp_path / "state" / "spool.db.bad1").unlink()
    subscriber.wait("alarm/coolantd-spool", lambda m: m.json["state"] == "normal", timeout=25)
    assert sum("coolantd-spool is active" in l for l in daemon.lines) == 1


def test_a_damaged_spool_is_set_aside(start, broker, subscriber, tmp_path):
    def garbage(path):
        with open(path, "wb") as f:
            f.write(b"SQLite format 3\0" + random.Random(1).randbytes(50000))
    _, daemon = start_with_file(start, broker, tmp_path, garbage)
    expect_aside(daemon, subscriber, tmp_path, "")


def test_a_foreign_database_is_set_aside(start, broker, subscriber, tmp_path):
    def foreign(path):
        with sqlite3.connect(path) as db:
            db.execute("CREATE TABLE diary(day TEXT)")
    _, daemon = start_with_file(start, broker, tmp_path, foreign)
    expect_aside(daemon, subscriber, tmp_path, "another program")


def test_a_spool_of_a_newer_version_is_set_aside(start, broker, subscriber, tmp_path):
    def newer(path):
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA application_id = 1668247404")
            db.execute("PRAGMA user_version = 2")
            db.execute("CREATE TABLE parcel(x)")
    _, daemon = start_with_file(start, broker, tmp_path, newer)
    expect_aside(daemon, subscriber, tmp_path, "format 2 of another version of coolantd (allowed: 1)")


def test_a_spool_that_is_damaged_while_it_is_used(start, broker, tmp_path):
    """Pages in the middle of the file are overwritten while coolantd is stopped; what can be read is not lost silently."""
    server = start(Counting)
    broker.stop()
    ini = head(tmp_path, broker.port, "publish = always\n") + fast(server, "20ms")
    daemon = Coolantd(tmp_path, ini)
    harness.wait_for(lambda: len(server.log) > 200, "a backlog")
    daemon.stop()
    spool = tmp_path / "state" / "spool.db"
    size = spool.stat().st_size
    with open(spool, "r+b") as f:
        f.seek(4096)
        f.write(b"\xff" * (size - 4096))
    broker.start()
    subscriber = Subscriber(broker.port, f"{BASE}/#")
    daemon = start(Coolantd, tmp_path, ini)
    expect_aside(daemon, subscriber, tmp_path, "")
    subscriber.close()


def test_no_state_folder(start, broker, subscriber, tmp_path):
    """Everything goes on but for the spool; an outage is kept in memory."""
    server = start(Counting)
    (tmp_path / "file").write_text("")
    ini = (head(tmp_path, broker.port, "publish = always\n").replace(f"{tmp_path}/state", f"{tmp_path}/file/state") +
           fast(server))
    daemon = start(Coolantd, tmp_path, ini)
    daemon.wait_line("alarm coolantd-spool is active.*messages wait in memory")
    subscriber.wait("device/d", lambda m: m.json["seq"] > 20)
    broker.stop()
    moment = time.time()
    harness.wait_for(lambda: time.time() > moment + 3, "an outage", 10)
    broker.start()
    after = Collector(broker.port)
    wanted = {n for t, n in server.log if moment + 0.5 < t < moment + 3}
    harness.wait_for(lambda: wanted <= after.numbers(), lambda: f"missing {sorted(wanted - after.numbers())[:20]}")
    alarm = after.subscriber.wait("alarm/coolantd-spool").json
    assert alarm["state"] == "active"
    after.close()


def test_a_disk_that_takes_no_more_and_recovers(start, broker, tmp_path):
    """The limit of a file's size stands in for a full disk: writes fail, and work again when it is lifted."""
    def small_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40000, resource.RLIM_INFINITY))
    server = start(Counting)
    broker.stop()
    path = tmp_path / "coolantd.ini"
    path.write_text(head(tmp_path, broker.port, "publish = always\n") + fast(server, "20ms"))
    daemon = start(harness.Process, [harness.COOLANTD, "-c", path], preexec_fn=small_files)
    daemon.wait_line("alarm coolantd-spool is active.*messages wait in memory")
    mark = len(server.log)
    harness.wait_for(lambda: len(server.log) > mark + 100, "polling goes on")
    resource.prlimit(daemon.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    daemon.wait_line("alarm coolantd-spool is normal")
    wanted = server.before(time.time() - 0.1)
    broker.start()
    collector = Collector(broker.port)
    harness.wait_for(lambda: wanted <= collector.numbers(), lambda: f"missing {sorted(wanted - collector.numbers())[:20]}", 30)
    history = [m.json["seq"] for m in collector.messages() if "history" in m.topic]
    assert history == sorted(history)
    collector.close()


class Disk:
    """An ext4 file system in a file; `cut` takes what the disk has at a moment, as a power cut leaves it."""

    def __init__(self, folder):
        self.process, self.folder, self.mount_point = self, folder, folder / "disk"
        self.mount_point.mkdir()
        self.image = folder / "disk.img"
        with open(self.image, "wb") as f:
            f.truncate(16 * 2**20)
        subprocess.run(["mkfs.ext4", "-q", self.image], check=True, env={"PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"})
        self.mount()

    def mount(self):
        if subprocess.run(["mount", "-o", "loop", self.image, self.mount_point], capture_output=True, check=False).returncode:
            pytest.skip("no loop device can be mounted here")

    def cut(self, process):
        """The process is stopped, the file behind the loop device read until two readings agree: then nothing was written
        in between. What the kernel still holds back is not in it."""
        process.send_signal(signal.SIGSTOP)
        before, now = None, self.image.read_bytes()
        while before != now:
            before, now = now, self.image.read_bytes()
        return now

    def restore(self, image):
        self.stop()
        self.image.write_bytes(image)
        self.mount()

    def stop(self):
        subprocess.run(["umount", self.mount_point], check=True)


def test_a_power_cut_loses_nothing_older_than_a_second(start, broker, tmp_path):
    server, wanted = start(Counting), set()
    disk = start(Disk, tmp_path)
    ini = (head(tmp_path, broker.port, "publish = always\n").replace(f"{tmp_path}/state", f"{disk.mount_point}/state") +
           fast(server))
    broker.stop()
    for run in range(5):
        first = len(server.log)
        daemon = Coolantd(tmp_path, ini)
        harness.wait_for(lambda first=first: len(server.log) > first, "a poll")
        moment = time.monotonic() + random.Random(run).uniform(1.5, 4)
        harness.wait_for(lambda moment=moment: time.monotonic() > moment, "the moment")
        cut = time.time()
        image = disk.cut(daemon.process)
        daemon.process.kill()
        daemon.process.wait()
        with server.lock:
            wanted |= {n for t, n in server.log[first:] if t < cut - 1}
        disk.restore(image)
    assert len(wanted) > 50
    broker.start()
    collector = Collector(broker.port)
    daemon = start(Coolantd, tmp_path, ini)
    harness.wait_for(lambda: wanted <= collector.numbers(), lambda: f"missing {sorted(wanted - collector.numbers())[:20]}", 30)
    assert "set aside" not in daemon.text and "damaged" not in daemon.text
    collector.close()
    assert daemon.stop() == 0


def test_steps_of_the_clock_lose_nothing(start, broker, tmp_path):
    """Five years forward and an hour back, while the broker is away: no sample expires, no window is negative."""
    step = tmp_path / "step"
    step.write_bytes(struct.pack("q", 0))
    server = start(Counting)
    power = start(harness.ModbusServer, tmp_path, {"1": {"holding": harness.registers(0, harness.f32(118.0) + harness.f32(100.0))}})
    points = "[point:m.{0}]\nregister = holding:{1}\ntype = f32\nunit = kW\n"
    ini = (head(tmp_path, broker.port, "publish = always\n") + fast(server) + tcp_bus("p", power.port) +
           device("m", "p", extra="poll_interval = 200ms\n" + points.format("total", 0) + points.format("it", 2)) +
           "[pue:row]\nfacility = m.total\nit = m.it\nwindows = 1m, 1h, 1d\n")
    env = {"LD_PRELOAD": str(harness.BUILD / "tests/system/clock_step.so"), "CLOCK_STEP": str(step),
           "ASAN_OPTIONS": "verify_asan_link_order=0"}
    broker.stop()
    daemon = start(Coolantd, tmp_path, ini, env=env)
    for seconds in (5 * 365 * 86400, 5 * 365 * 86400 - 3600, 0):
        mark = len(server.log)
        harness.wait_for(lambda mark=mark: len(server.log) > mark + 40, "polling goes on")
        with open(step, "r+b") as f:  # in place: a file that is emptied first would take the clock's page away
            f.write(struct.pack("q", seconds))
    mark = len(server.log)
    harness.wait_for(lambda: len(server.log) > mark + 40, "polling goes on")
    broker.start()
    collector = Collector(broker.port)
    wanted = server.before(time.time() - 0.2)
    harness.wait_for(lambda: wanted <= collector.numbers(), lambda: f"missing {sorted(wanted - collector.numbers())[:20]}", 30)
    history = [m.json["seq"] for m in collector.messages() if "history" in m.topic]
    assert history == sorted(history)
    pues = [m.json for m in collector.subscriber.messages if m.topic.endswith("pue/row") and "/trend/" not in m.topic]
    assert pues and all(w["start"] <= w["end"] and (w["it_kwh"] is None or w["it_kwh"] >= 0) and
                        (w["pue"] is None or abs(w["pue"] - 1.18) < 0.01) for p in pues for w in p["windows"].values())
    harness.wait_for(lambda: not collector.subscriber.of("gap"), "no gap")
    collector.close()
    assert daemon.process.poll() is None
