"""What a bus may take: its port alone, descriptors, memory, and all the time that it needs."""
import contextlib
import fcntl
import os
import pathlib
import re
import resource
import socket
import struct
import time

import harness
import pytest
import wire
from harness import Coolantd, device, head, tcp_bus
from test_slow_lookup import SlowNames, Watched
from wire import Wire, all_good, points, share_of_cycles, wrong

ALWAYS = "publish = always\n"
BLOCK = [("holding", 0, 2)]
QUICK = "poll_interval = 200ms\n"
IN_USE = r"in use|already|another|same port|same device"
TIOCGEXCL = 0x80045440
PLAIN = os.environ.get("COOLANTD_PLAIN_BUILD")


@contextlib.contextmanager
def opened(path):
    fd = os.open(path, os.O_RDWR | os.O_NOCTTY)
    yield fd
    os.close(fd)


def test_a_serial_port_is_taken_exclusively(start, coolantd, subscriber):
    line = start(Wire, "rtu")
    coolantd(line.bus("b") + device("d", "b", 1, extra=points("d", BLOCK)))
    subscriber.wait("device/d", all_good)
    with opened(line.place) as fd:
        with pytest.raises(BlockingIOError):
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        assert struct.unpack("i", fcntl.ioctl(fd, TIOCGEXCL, bytes(4))) == (1,)  # so open() says EBUSY, but to root


def test_a_serial_port_that_another_program_has_is_left_alone(start, coolantd, subscriber):
    line = start(Wire, "rtu")
    with opened(line.place) as fd:
        fcntl.flock(fd, fcntl.LOCK_EX)
        daemon = coolantd(line.bus("b", "max_backoff = 1s\n") + device("d", "b", 1, extra=points("d", BLOCK)))
        said = daemon.wait_line("device d on bus b is silent", timeout=5)
        assert line.place in said and re.search(IN_USE, said), said
        assert not line.requests
    assert subscriber.wait("device/d", all_good, timeout=5).json["values"] == {"holding0": 256, "holding1": 257}


@pytest.mark.parametrize("path", ["a link", "dots"])
def test_two_buses_on_one_port_by_two_paths(start, broker, subscriber, tmp_path, path):
    """Refused at once, or by the bus that comes second; what is read is right."""
    line = start(Wire, "rtu")
    (tmp_path / "tty").symlink_to(line.place)
    other = str(tmp_path / "tty") if path == "a link" else line.place.replace("/pts/", "/pts/../pts/")
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port, ALWAYS) + line.bus("one") +
                   line.bus("two").replace(line.place, other) + device("d1", "one", 1, extra=QUICK + points("d1", BLOCK)) +
                   device("d2", "two", 2, extra=QUICK + points("d2", BLOCK)), wait=False)
    daemon.wait_line(rf"(one|two).*({IN_USE})", timeout=5)
    with contextlib.suppress(Exception):
        assert daemon.process.wait(1) == 78
        return
    since = time.time()
    wire.pass_time(4)
    assert max(share_of_cycles(subscriber, d, 0.2, since, since + 4) for d in ("d1", "d2")) >= 0.97
    assert not wrong(subscriber, "d1", 1) and not wrong(subscriber, "d2", 2)


def test_a_reload_that_changes_a_serial_line_takes_the_port_over(start, coolantd, subscriber, broker, tmp_path):
    line = start(Wire, "rtu")
    ini = line.bus("b", "baud = 9600\n") + device("d", "b", 1, extra=QUICK + points("d", BLOCK))
    daemon = coolantd(ini, mqtt=ALWAYS)
    subscriber.wait("device/d", all_good)
    for baud in (19200, 38400, 57600):
        daemon.reload(head(tmp_path, broker.port, ALWAYS) + ini.replace("9600", str(baud)))
        mark = len(subscriber.messages)
        subscriber.wait("device/d", all_good, timeout=3, after=mark)
    assert "silent" not in daemon.text and not wrong(subscriber, "d", 1)


BUSES, FILES = 150, 256


def many_buses(start, count):
    """One that is answered, and others where nobody listens."""
    server, base = start(Wire, "tcp"), harness.free_run(count)
    return server.bus("b0") + device("d0", "b0", 1, extra=points("d0", BLOCK)) + "".join(
        tcp_bus(f"b{i}", base + i) + device(f"d{i}", f"b{i}", extra=points(f"d{i}", BLOCK)) for i in range(1, count))


@pytest.mark.parametrize("options", [[], ["--check"]], ids=["start", "check"])
def test_more_buses_than_files_may_be_open(start, broker, subscriber, tmp_path, options):
    """The limit is said, and how many buses fit; so many do."""
    limit = ["prlimit", f"--nofile={FILES}:{FILES}"]
    ini = tmp_path / "coolantd.ini"
    ini.write_text(head(tmp_path, broker.port) + many_buses(start, BUSES))
    process = start(harness.Process, [*limit, harness.COOLANTD, "-c", ini, *options])
    harness.wait_for(lambda: not process.reader.is_alive() or "files" in process.text, lambda: process.text, 10)
    process.stop()
    text = process.text
    assert "Cannot allocate memory" not in text
    line = next((l for l in text.splitlines() if re.search(r"files|NOFILE", l) and re.search(rf"\b{FILES}\b", l)), None)
    assert line, text
    fit = max((n for n in map(int, re.findall(r"\b\d+\b", line.split(str(ini))[-1])) if n < BUSES), default=0)
    assert fit > 20, line
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + many_buses(start, fit), wrapper=limit)
    subscriber.wait("device/d0", all_good)


def test_a_bus_that_cannot_be_started_is_said_once(start, coolantd, subscriber, broker, tmp_path):
    """With the reason; and it is tried again, less and less often, until it works."""
    first, second = start(Wire, "tcp"), start(Wire, "tcp")
    keep = first.bus("b1") + device("d1", "b1", 1, extra=QUICK + points("d1", BLOCK))
    daemon = coolantd(keep, mqtt=ALWAYS)
    subscriber.wait("device/d1", all_good)
    pid = daemon.process.pid
    before, taken = resource.prlimit(pid, resource.RLIMIT_NOFILE), {int(n) for n in os.listdir(f"/proc/{pid}/fd")}
    free = [n for n in range(9999) if n not in taken]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[1], before[1]))  # one more: enough to read the configuration
    mark = len(daemon.lines)
    daemon.reload(head(tmp_path, broker.port, ALWAYS) + keep + second.bus("b2") + device("d2", "b2", 1, extra=points("d2", BLOCK)))
    line = daemon.wait_line("b2.*cannot be started", timeout=5)
    wire.pass_time(4)
    said = [l for l in daemon.lines[mark:] if "cannot be started" in l]
    assert said == [line] and "open files" in line, said
    resource.prlimit(pid, resource.RLIMIT_NOFILE, before)
    subscriber.wait("device/d2", all_good, timeout=10)
    assert not wrong(subscriber, "d1", 1)


def test_the_soft_limit_of_files_is_raised(start, broker, subscriber, tmp_path):
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + many_buses(start, BUSES), wrapper=["prlimit", f"--nofile={FILES}:4096"])
    subscriber.wait("device/d0", all_good)


@pytest.mark.skipif(not PLAIN, reason="needs a build without sanitizers (COOLANTD_PLAIN_BUILD)")
def test_a_thousand_buses_fit_a_32_bit_controller(start, broker, tmp_path, monkeypatch):
    """3 GiB of addresses: what a bus reserves is counted between 30 and 130 of them."""
    monkeypatch.setattr(harness, "COOLANTD", pathlib.Path(PLAIN) / "daemon" / "coolantd")
    reserved = []
    for count in (30, 130):
        daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + many_buses(start, count))
        harness.wait_for(lambda d=daemon: len(os.listdir(f"/proc/{d.process.pid}/task")) > count, "the threads")
        with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as f:
            reserved.append(int(re.search(r"VmSize:\s+(\d+)", f.read())[1]))
        daemon.stop()
    each = (reserved[1] - reserved[0]) / 100
    assert each < 1024, f"{each:.0f} KiB a bus"


SLOW_BLOCKS, SLOW_S = 250, 0.12


def test_a_cycle_of_many_slow_blocks(start, broker, subscriber, tmp_path):
    """Half a minute in which each request is answered in time; then a stop in the middle of such a cycle."""
    server = start(Wire, "tcp", lambda r: [SLOW_S, r.words([r.address])])
    ini = server.bus("b", "response_timeout = 200ms\nconnect_timeout = 1s\nretries = 0\n") + device("d", "b", 1, extra="".join(
        f"[point:d.p{i}]\nregister = holding:{2 * i}\n" for i in range(SLOW_BLOCKS)))
    watched = start(Watched, tmp_path, head(tmp_path, broker.port, ALWAYS) + ini)
    watched.watch_until(lambda: len(server.requests) > SLOW_BLOCKS + 20, "a cycle", 90)
    assert subscriber.wait("device/d", all_good).json["values"] == {f"p{i}": 2 * i for i in range(SLOW_BLOCKS)}
    watched.check_stop()


def black_hole(start, port):
    """An address at which connects of this port are not answered."""
    class Hole:
        def __init__(self):
            self.process, self.sockets = self, [socket.socket()]
            self.sockets[0].bind(("127.0.0.2", port))
            self.sockets[0].listen(0)
            for _ in range(8):
                client = socket.socket()
                client.setblocking(False)
                client.connect_ex(("127.0.0.2", port))
                self.sockets.append(client)

        def stop(self):
            for s in self.sockets:
                s.close()
    return start(Hole)


@pytest.mark.parametrize("where", ["bus", "broker"])
def test_each_address_of_a_name_has_its_share_of_the_time(start, broker, subscriber, tmp_path, where):
    """The first address does not answer; the second one does."""
    name = f"{where}.many"
    server, names = start(Wire, "tcp"), SlowNames(tmp_path, name, seconds=0, answer=["127.0.0.2", "127.0.0.1"])
    black_hole(start, {"bus": server.place, "broker": broker.port}[where])
    before = {"bus": "host = 127.0.0.1", "broker": "broker = mqtt://127.0.0.1"}[where]
    ini = head(tmp_path, broker.port) + server.bus("b", "connect_timeout = 4s\n") + device("d", "b", 1, extra=points("d", BLOCK))
    start(Coolantd, tmp_path, ini.replace(before, before.replace("127.0.0.1", name)), env=names.env)
    began = time.monotonic()
    assert subscriber.wait("device/d", all_good, timeout=8).json["values"] == {"holding0": 256, "holding1": 257}
    assert where == "broker" or server.connected[0] < began + 3, "half of the connect time-out"
