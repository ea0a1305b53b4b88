"""Faults of the wire of several kinds at once, in many units, blocks and tables."""
import random
import time

import harness
import pytest
import wire
from harness import device, head
from wire import TRANSPORTS, Wire, all_good, points, readings, share_of_cycles, wrong

ALWAYS = "publish = always\n"
ENOUGH = 0.97  # of the cycles
TABLES = [("holding", 0, 2), ("holding", 40, 2), ("input", 0, 2), ("input", 40, 2), ("coil", 0, 3), ("coil", 40, 5), ("discrete", 0, 9)]
LATE_S = (0.01, 0.05, 0.2, 0.7, 1.3, 3, 4.9)


def rows(bus, units, interval):
    return "".join(device(f"d{u}", bus, u, extra=f"poll_interval = {interval}\n" + points(f"d{u}", [("holding", 0, 2)])) for u in units)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_late_values_and_late_refusals_of_many_tables(start, coolantd, subscriber, transport):
    """Three units, every sixth reply late by anything up to five seconds; the serial server's adapter echoes, too."""
    chance = random.Random(transport)

    def script(request):
        echo = [request.raw] if transport == "rtutcp" else []
        if chance.random() > 0.16:
            return echo + [0.005, request.right()]
        late = request.right() if chance.random() < 0.7 else request.exception(chance.choice([2, 3, 4, 6]))
        return echo + [(0.1 + chance.choice(LATE_S), late)]
    line = start(Wire, transport, script)
    units = (5, 6, 7)
    coolantd(line.bus("b", "response_timeout = 100ms\nmax_backoff = 1s\n") + "".join(
        device(f"d{u}", "b", u, extra="poll_interval = 300ms\n" + points(f"d{u}", TABLES)) for u in units), mqtt=ALWAYS)
    wire.pass_time(25)
    for u in units:
        found = wrong(subscriber, f"d{u}", u)
        assert not found, f"{len(found)} wrong values, first {found[:3]}"
        assert sum(v is not None for _, _, v in readings(subscriber, f"d{u}")) > 100


def test_late_replies_where_transaction_ids_are_ignored(start, coolantd, subscriber):
    chance = random.Random(3)
    server = start(Wire, "tcp", lambda r: [(chance.choice([0, 0, 0, 0.15, 0.3, 1, 3]), r.right(transaction=chance.choice([0, r.transaction - 1])))])
    blocks = [("holding", 0, 4), ("holding", 40, 4), ("input", 0, 4)]
    coolantd(server.bus("b", "transaction_id = ignore\nresponse_timeout = 100ms\nmax_backoff = 1s\n") + "".join(
        device(f"d{u}", "b", u, extra="poll_interval = 200ms\n" + points(f"d{u}", blocks)) for u in (5, 6)), mqtt=ALWAYS)
    wire.pass_time(15)
    for u in (5, 6):
        assert not wrong(subscriber, f"d{u}", u)
        assert sum(v is not None for _, _, v in readings(subscriber, f"d{u}")) > 20


SAID = {  # of a unit that was well until now; the gateway does one thing after the other
    "unreachable": lambda r: [0.3, r.exception(11)],
    "some of each": lambda r: [[], [0.1, r.exception(10)], [0.02, r.exception(6)]][r.unit % 3],
}


@pytest.mark.parametrize("said", SAID)
@pytest.mark.parametrize("transport", ["tcp", "rtutcp"])
def test_most_units_of_a_gateway_fail_at_once(start, coolantd, subscriber, transport, said):
    fails = False
    gateway = start(Wire, transport, lambda r: SAID[said](r) if fails and r.unit > 1 else [r.right()])
    units = range(1, 31)
    coolantd(gateway.bus("b", "response_timeout = 500ms\nmax_backoff = 4s\n") + rows("b", units, "1s"), mqtt=ALWAYS)
    for u in units:
        subscriber.wait(f"device/d{u}", all_good)
    fails, since = True, time.time()
    wire.pass_time(20)
    share = share_of_cycles(subscriber, "d1", 1, since, since + 20)
    fails, mark = False, len(subscriber.messages)
    for u in units:
        subscriber.wait(f"device/d{u}", all_good, timeout=20, after=mark)
    assert share >= ENOUGH - 0.05, f"the healthy unit had {share:.0%} of its 20 cycles"


def test_mute_registers_in_several_blocks(start, coolantd, subscriber):
    mute = (5, 6, 43, 100)
    lines = {t: start(Wire, t, lambda r: [] if r.table == "holding" and any(r.covers(a) for a in mute) else [r.right()]) for t in TRANSPORTS}
    blocks = [("holding", 0, 10), ("holding", 40, 10), ("holding", 98, 10), ("coil", 30, 20)]
    coolantd("".join(l.bus(t, "response_timeout = 100ms\nmax_backoff = 2s\n") +
                     device(t, t, 1, extra="poll_interval = 500ms\n" + points(t, blocks)) for t, l in lines.items()), mqtt=ALWAYS)
    expected = {f"holding{a}" for a in mute}
    for t in lines:
        subscriber.wait(f"device/{t}", lambda m: len(m.json["values"]) == 50 and
                        {k for k, v in m.json["values"].items() if v is None} == expected, timeout=60)
        assert not wrong(subscriber, t, 1)


def test_a_device_that_starts_while_the_configuration_is_read_anew(start, coolantd, subscriber, broker, tmp_path):
    up = False
    server = start(Wire, "tcp", lambda r: [r.right()] if up else [r.exception(2)])
    blocks = {("holding", 0, 100), ("input", 0, 10), ("coil", 0, 20)}
    ini = server.bus("b") + device("d", "b", 1, extra="poll_interval = 300ms\n" + points("d", sorted(blocks)))
    daemon = coolantd(ini, mqtt=ALWAYS)
    for _ in range(3):
        wire.pass_time(1)
        daemon.reload(head(tmp_path, broker.port, ALWAYS) + ini)
    up, mark = True, len(subscriber.messages)
    subscriber.wait("device/d", all_good, after=mark)
    since = time.monotonic()
    wire.pass_time(2)
    assert {(r.table, r.address, r.count) for r in server.asked(since)} == blocks


def test_a_connect_delay_holds_up_neither_a_reload_nor_the_stop(start, coolantd, subscriber, broker, tmp_path):
    server = start(Wire, "tcp")
    ini = server.bus("b", "connect_delay = 30s\n") + device("d", "b", 1, extra=points("d", [("holding", 0, 2)]))
    daemon = coolantd(ini)
    harness.wait_for(lambda: server.links == 1, "a connection")
    daemon.reload(head(tmp_path, broker.port) + ini.replace("30s", "0ms"))
    subscriber.wait("device/d", all_good)
    daemon.reload(head(tmp_path, broker.port) + ini)
    harness.wait_for(lambda: server.links == 3, "a connection")
    began = time.monotonic()
    assert daemon.stop() == 0 and time.monotonic() - began < 10


@pytest.mark.parametrize("transport", ["rtu", "tcp"])
def test_all_units_of_a_line(start, coolantd, subscriber, transport):
    line = start(Wire, transport)
    units = range(1, 248)
    coolantd(line.bus("b", "baud = 921600\n" if transport == "rtu" else "") + rows("b", units, "5s"), mqtt=ALWAYS)
    for u in units:
        subscriber.wait(f"device/d{u}", all_good, timeout=30)
        assert not wrong(subscriber, f"d{u}", u)


def test_two_buses_on_one_serial_device_are_refused_by_check(start, tmp_path):
    line = start(Wire, "rtu")
    (tmp_path / "tty").symlink_to(line.place)
    ini = tmp_path / "two.ini"
    ini.write_text(head(tmp_path, 1) + line.bus("one") + line.bus("two").replace(line.place, str(tmp_path / "tty")))
    said = harness.run([harness.COOLANTD, "-c", ini, "--check"])
    assert said.returncode == 78 and "the same port as [bus:one]" in said.stderr
