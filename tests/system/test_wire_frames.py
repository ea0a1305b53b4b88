"""Echoes, noise, replies with another unit or transaction id, and strays without end."""
import itertools
import os
import re
import struct
import time

import harness
import pytest
import wire
from harness import device, tcp_bus
from wire import CLOSE, Wire, all_good, encoded, points, share_of_cycles, wrong

ALWAYS = "publish = always\n"
ENOUGH = 0.97  # of the cycles
QUICK = "poll_interval = 200ms\n"
BLOCK = [("holding", 0, 4)]


def watch(lines, coolantd, subscriber, seconds=8, settings="response_timeout = 100ms\nmax_backoff = 1s\n", more=""):
    """Unit 1 of each line, polled for so long; returns the daemon and the shares of the cycles that were too low."""
    daemon = coolantd("".join(l.bus(n, settings) + device(n, n, 1, extra=QUICK + points(n, BLOCK)) for n, l in lines.items()) + more,
                      mqtt=ALWAYS)
    harness.wait_for(lambda: all(len(l.requests) > 2 for l in lines.values()), "requests")
    since = time.time()
    wire.pass_time(seconds)
    shares = {n: share_of_cycles(subscriber, n, 0.2, since, since + seconds) for n in lines}
    assert not {n: w for n in lines if (w := wrong(subscriber, n, 1))}
    return daemon, {n: f"{s:.0%}" for n, s in shares.items() if s < ENOUGH}


ECHOES = {
    "at-once": lambda r: [r.raw + r.right()],
    "reply-later": lambda r: [r.raw, 0.02, r.right()],
    "noise-before": lambda r: [b"\0" + r.raw + r.right()],
    "noise-between": lambda r: [r.raw, b"\xff" + r.right()],
    "in-pieces": lambda r: [r.raw[:3], 0.005, r.raw[3:] + r.right()[:4], 0.005, r.right()[4:]],
    "last-part": lambda r: [r.raw[3:] + r.right()],
    "first-part": lambda r: [r.raw[:5], 0.005, r.right()],
}
WHOLE = ("at-once", "reply-later", "noise-before", "noise-between", "in-pieces")


@pytest.mark.parametrize("transport", ["rtu", "rtutcp"])
def test_an_adapter_that_echoes_the_request(start, coolantd, subscriber, transport):
    """Also damaged, or with noise around it. A unit that is not there has nothing but an echo: it is silent."""
    lines = {n: start(Wire, transport, lambda r, n=n: ECHOES[n](r) if r.unit == 1 else [r.raw]) for n in ECHOES}
    daemon, low = watch(lines, coolantd, subscriber, more=device("gone", "at-once", 2, extra=points("gone", BLOCK)))
    assert not low
    for n in WHOLE:
        assert len([l for l in daemon.lines if "echo" in l and re.search(rf"\b{n}\b", l)]) == 1, daemon.text
    assert subscriber.last("device/gone").json["quality"] == {f"holding{a}": "stale" for a in range(4)}
    health = subscriber.wait("health", lambda m: m.json["uptime_s"] > 5, timeout=25).json["buses"]
    assert all(sum(v for k, v in health[n].items() if "echo" in k) > 0 for n in WHOLE), health


@pytest.mark.parametrize("transport", ["rtu", "rtutcp"])
def test_an_echo_that_is_as_good_as_a_reply(start, coolantd, subscriber, transport):
    """A request for 24 coils from 0x300 on is a frame with three bytes of coils, and the first seven bytes of that for the
    holding register 688 of unit 4 are a frame with one register, CRC and all."""
    def script(request):
        if request.table == "coil":
            return [request.raw, 0.01, request.bits([1] * request.count)]
        return [request.raw, 0.01, request.words([7])]
    line = start(Wire, transport, script)
    coolantd(line.bus("b", "response_timeout = 100ms\nmax_backoff = 1s\n") +
             device("coils", "b", 3, extra=QUICK + points("coils", [("coil", 0x300, 24)])) +
             device("register", "b", 4, extra=QUICK + points("register", [("holding", 688, 1)])), mqtt=ALWAYS)
    harness.wait_for(lambda: len(line.requests) > 40, "requests")
    values = {d: {v for _, _, v in wire.readings(subscriber, d)} - {None} for d in ("coils", "register")}
    assert values == {"coils": {True}, "register": {7}}


GLITCHES = {
    "zero": lambda r: [b"\0" + r.right()],
    "ones": lambda r: [b"\xff" + r.right()],
    "two": lambda r: [b"\xff\0" + r.right()],
    "unit": lambda r: [bytes([r.unit]) + r.right()],
    "unit-and-function": lambda r: [bytes([r.unit, r.function]) + r.right()],
    "earlier": lambda r: [b"\0", 0.01, r.right()],
    "behind": lambda r: [r.right() + b"\xff"],
    "behind-later": lambda r: [r.right(), (0.05, b"\0")],
    "other-frame": lambda r: [r.words([9, 9, 9, 9], unit=r.unit + 1) + r.right()],
}


@pytest.mark.parametrize("transport", ["rtu", "rtutcp"])
def test_a_glitch_beside_a_reply_costs_no_cycle(start, coolantd, subscriber, transport):
    """Drivers that are switched on and off make such bytes."""
    lines = {n: start(Wire, transport, GLITCHES[n]) for n in GLITCHES}
    _, low = watch(lines, coolantd, subscriber)
    assert not low


FOREIGN = {
    "transaction id 0": (lambda r: [r.right(transaction=0)], r"transaction"),
    "transaction id of its own": (lambda r, count=itertools.count(20000): [r.right(transaction=next(count))], r"transaction"),
    "transaction id of the request before": (lambda r: [r.right(transaction=r.transaction - 1)], r"transaction"),
    "unit 0": (lambda r: [r.right(unit=0)], r"unit (id )?0\b"),
    "unit 255": (lambda r: [r.right(unit=255)], r"unit (id )?255\b"),
}


@pytest.mark.parametrize("what", FOREIGN)
def test_a_reply_with_another_id_is_said_as_what_it_is(start, coolantd, subscriber, what):
    script, words = FOREIGN[what]
    server = start(Wire, "tcp", script)
    daemon = coolantd(server.bus("b", "response_timeout = 100ms\nmax_backoff = 1s\n") + device("d", "b", 1, extra=points("d", BLOCK)))
    daemon.wait_line(words, timeout=8)
    assert subscriber.wait("device/d").json["values"] == {f"holding{a}": None for a in range(4)}


def test_transaction_ids_that_are_ignored(start, coolantd, subscriber):
    """Every cycle works; and as nothing tells a late reply any more, a time-out ends the connection."""
    def late(request, count=itertools.count(1)):
        return [(0.25 if next(count) % 5 == 0 else 0, request.right(transaction=0))]
    lines = {"zero": start(Wire, "tcp", FOREIGN["transaction id 0"][0]), "own": start(Wire, "tcp", FOREIGN["transaction id of its own"][0]),
             "late": start(Wire, "tcp", late)}
    blocks = [("holding", 40, 4), ("holding", 80, 4)]
    settings = "transaction_id = ignore\nresponse_timeout = 100ms\nmax_backoff = 1s\n"
    more = device("others", "late", 2, extra=QUICK + points("others", blocks))
    _, low = watch(lines, coolantd, subscriber, settings=settings, more=more)
    assert not {n: s for n, s in low.items() if n != "late"}
    assert not wrong(subscriber, "others", 2) and lines["late"].links > 3
    assert lines["zero"].links == lines["own"].links == 1


def stray(transport):
    """A good frame that nobody asked for."""
    body = bytes([99, 3, 8]) + bytes(8)
    return struct.pack(">HHH", 0x9999, 0, len(body)) + body if transport == "tcp" else body + wire.crc(body)


def cpu_s(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def flood(transport, pause):
    frames = stray(transport) * (1 if pause else 1000000)

    def greet(send, link):
        del link
        while send(frames) and not over:
            time.sleep(pause)
    over = []
    return greet, over


@pytest.mark.parametrize("pause", [pytest.param(0, id="as fast as it goes"),
                                   pytest.param(0.01, id="every 10 ms")])
@pytest.mark.parametrize("transport", ["tcp", "rtutcp"])
def test_strays_without_end(start, coolantd, subscriber, tmp_path, transport, pause):
    """The deadline of a request holds whatever comes, a connection that brings too many is left, and the processor is spared."""
    greet, over = flood(transport, pause)
    server = start(Wire, transport, lambda r: [], greet)
    good = start(harness.ModbusServer, tmp_path, {"1": {"holding": {0: 4}}})
    daemon = coolantd(server.bus("b", "response_timeout = 200ms\nmax_backoff = 1s\n") + device("d", "b", 1, extra=points("d", BLOCK)) +
                      tcp_bus("good", good.port) + device("g", "good", extra=QUICK + "[point:g.p]\nregister = holding:0\n"), mqtt=ALWAYS)
    daemon.wait_line("device d on bus b is silent", timeout=5)
    begin, cpu, asked = time.monotonic(), cpu_s(daemon.process.pid), len(server.requests)
    wire.pass_time(6)
    used = (cpu_s(daemon.process.pid) - cpu) / (time.monotonic() - begin)
    over.append(True)
    assert len(server.requests) - asked >= 3
    assert used < 0.08, f"{used:.2f} of a core"
    assert pause or server.links > 2
    assert subscriber.last("device/d").json["values"] == {f"holding{a}": None for a in range(4)}
    assert subscriber.last("device/g").json["values"] == {"p": 4}


@pytest.mark.parametrize("transport", ["tcp", "rtutcp"])
def test_a_few_strays_before_each_reply_cost_nothing(start, coolantd, subscriber, transport):
    lines = {"some": start(Wire, transport, lambda r: [stray(transport) * 3 + r.right()]),
             "other-register": start(Wire, transport, lambda r: [r.words([encoded(9, "holding", a) for a in range(4)], unit=9) + r.right()])}
    _, low = watch(lines, coolantd, subscriber)
    assert not low


def test_a_connection_that_ends_in_a_reply(start, coolantd, subscriber):
    """Half a frame, then the end: nothing of it is taken for the next reply."""
    lines = {"tcp": start(Wire, "tcp", lambda r, count=itertools.count(1): [r.right()[:11], CLOSE] if next(count) % 5 == 0 else [r.right()])}
    watch(lines, coolantd, subscriber, seconds=4)
    subscriber.wait("device/tcp", all_good, after=len(subscriber.messages))
