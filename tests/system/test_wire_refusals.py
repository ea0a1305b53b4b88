"""Devices that refuse everything while they start, registers that cannot be read, and requests that are swallowed."""
import time

import harness
import pytest
import wire
from harness import device
from wire import CLOSE, Wire, all_good, points, readings, wrong

ALWAYS = "publish = always\n"


class Starting:
    """Refuses everything for three seconds from its first request on, and again when it starts anew."""

    def __init__(self, start, transport, code):
        self.code, self.until = code, None
        self.wire = start(Wire, transport, self.script)

    def script(self, request):
        self.until = self.until or request.time + 3
        return [request.exception(self.code) if request.time < self.until else request.right()]

    def start_anew(self):
        self.until = time.monotonic() + 3

    @property
    def is_up(self):
        return self.until and time.monotonic() > self.until


def test_a_device_that_refuses_everything_while_it_starts(start, coolantd, subscriber):
    """It has no holes: afterwards a cycle is two requests as before, and everything is read."""
    lines = {f"{t}-{code}": Starting(start, t, code) for t, code in
             (("tcp", 2), ("tcp", 3), ("tcp", 1), ("tcp", 4), ("rtutcp", 2), ("rtu", 3))}
    blocks = (("holding", 0, 100), ("input", 0, 10))
    coolantd("".join(l.wire.bus(n) + device(n, n, 1, extra="poll_interval = 300ms\n" + points(n, blocks)) for n, l in lines.items()),
             mqtt=ALWAYS)
    many = {}
    for when in ("at first", "again"):
        harness.wait_for(lambda: all(l.is_up for l in lines.values()), "the devices' start")
        mark, up = len(subscriber.messages), time.monotonic()
        for n in lines:
            subscriber.wait(f"device/{n}", all_good, timeout=5, after=mark)
        wire.pass_time(up + 5 - time.monotonic())
        for n, l in lines.items():
            found = sorted({(r.table, r.address, r.count) for r in l.wire.asked(up + 2)})
            if found != sorted(blocks):
                many[n, when] = f"{len(found)} requests a cycle"
            l.start_anew()
    assert not many


def test_a_device_that_gives_only_some_registers_while_it_starts(start, coolantd, subscriber):
    """What was found out then ends soon when all is read: a cycle is two requests as before."""
    began = time.monotonic()
    lines = {t: start(Wire, t, lambda r: [r.right() if time.monotonic() > began + 8 or (r.address == 0 and r.count == 1) else r.exception(2)])
             for t in wire.TRANSPORTS}
    blocks = (("holding", 0, 30), ("holding", 40, 10))
    coolantd("".join(l.bus(n) + device(n, n, 1, extra="poll_interval = 300ms\n" + points(n, blocks)) for n, l in lines.items()), mqtt=ALWAYS)
    wire.pass_time(began + 9 - time.monotonic())
    mark = len(subscriber.messages)
    for n in lines:
        subscriber.wait(f"device/{n}", all_good, timeout=5, after=mark)
    wire.pass_time(began + 24 - time.monotonic())
    since = time.monotonic()
    wire.pass_time(2)
    for n, l in lines.items():
        assert sorted({(r.table, r.address, r.count) for r in l.asked(since)}) == sorted(blocks), n


def test_what_a_device_refuses_is_said_once(start, coolantd, subscriber):
    """That it refuses everything, and later which registers, as far as somebody reads that."""
    refusing = True
    server = start(Wire, "tcp", lambda r: [r.exception(2) if refusing or any(r.covers(a) for a in range(5, 17)) else r.right()])
    daemon = coolantd(server.bus("b") + device("d", "b", 1, extra="poll_interval = 200ms\n" + points("d", [("holding", 0, 40)])), mqtt=ALWAYS)

    def said(words):
        return [l for l in daemon.lines if words in l]
    harness.wait_for(lambda: said("refuses everything"), "a line")
    wire.pass_time(1.5)
    refusing = False
    harness.wait_for(lambda: said("and 4 more"), "the points")
    wire.pass_time(2)
    assert len(said("device d on bus b refuses everything with exception 2 (illegal data address): is 1 its unit id")) == 1
    assert len(said("device d on bus b does not refuse everything any more")) == 1
    for a in range(5, 13):
        assert len(said(f"device d on bus b refuses holding{a} (holding:{a}) with exception 2 (illegal data address)")) == 1
    assert len(said("holding13 (")) == 0 and len(said("and 4 more")) == 1


UNREADABLE = 5  # a register
SAID = {
    "mute": lambda r: [],
    "four bytes": lambda r: [r.words([1, 2] if r.count != 2 else [1])],
    "too few bytes": lambda r: [r.words([1] * (r.count - 1))],
    "too many bytes": lambda r: [r.words([1] * (r.count + 1))],
    "not a frame": lambda r: [b"\xaa\x55" if r.transport != "tcp" else r.pdu(b"\x55\xaa\x55")],
    "exception 4": lambda r: [r.exception(4)],
    "acknowledge": lambda r: [r.exception(5)],
    "busy": lambda r: [r.exception(6)],
    "no path": lambda r: [r.exception(10)],
    "not reached": lambda r: [0.05, r.exception(11)],
    "closed connection": lambda r: [CLOSE],
}


@pytest.mark.parametrize("transports, said", [
    pytest.param(transports, said, id=said)
    for said, transports in (("mute", wire.TRANSPORTS), ("four bytes", wire.TRANSPORTS), ("too few bytes", wire.TRANSPORTS),
                             ("too many bytes", wire.TRANSPORTS), ("not a frame", wire.TRANSPORTS), ("exception 4", ("tcp", "rtu")),
                             ("acknowledge", ("tcp",)), ("busy", ("tcp", "rtu")), ("no path", ("tcp",)), ("not reached", ("tcp", "rtu")),
                             ("closed connection", ("tcp", "rtutcp")))])
def test_a_register_that_cannot_be_read_costs_only_itself(start, coolantd, subscriber, transports, said):
    """Its block and those behind it are read at their interval."""
    lines = {t: start(Wire, t, lambda r: SAID[said](r) if r.covers(UNREADABLE) else [r.right()]) for t in transports}
    blocks = [("holding", 0, 8), ("holding", 40, 8), ("holding", 80, 8)]
    daemon = coolantd("".join(l.bus(t, "response_timeout = 100ms\nmax_backoff = 2s\n") +
                              device(t, t, 1, extra="poll_interval = 400ms\n" + points(t, blocks)) for t, l in lines.items()), mqtt=ALWAYS)
    bad = f"holding{UNREADABLE}"
    for t in lines:
        def good_but_for_one(m):
            values = m.json["values"]
            return ([k for k, v in values.items() if v is None] == [bad] and len(values) == 24 and not set(m.json["times"]) - {bad} and
                    m.json["quality"][bad] in ("bad", "stale"))
        def settled(_, t=t):
            return len(last := subscriber.of(f"device/{t}")[-3:]) == 3 and all(good_but_for_one(m) for m in last)
        subscriber.wait(f"device/{t}", settled, timeout=30)
    since, mark = time.time(), len(daemon.lines)
    wire.pass_time(8)
    for t in lines:
        fresh = {name: set() for name in (f"holding{a}" for _, first, count in blocks for a in range(first, first + count)) if name != bad}
        for m, name, value in readings(subscriber, t):
            if m.json["ts"] / 1000 > since and value is not None and name in fresh:
                fresh[name].add(m.json["ts"])
        rare = {name: len(times) for name, times in fresh.items() if len(times) < 0.97 * 8 / 0.4 - 1}
        assert not rare, t
        assert not wrong(subscriber, t, 1)
    assert not [l for l in daemon.lines[mark:] if "silent" in l]
    assert all(wire.devices_health(subscriber, t)[t]["up"] for t in lines)


class Swallowing:
    """What is asked within 1.5 s of a connect is lost."""

    def __init__(self, start, transport):
        self.wire = start(Wire, transport, lambda r: [r.right()] if r.time > self.wire.connected[r.link - 1] + 1.5 else [])


@pytest.mark.parametrize("transport", ["tcp", "rtutcp"])
def test_connect_delay(start, coolantd, subscriber, transport):
    gateway = Swallowing(start, transport).wire
    coolantd(gateway.bus("b", "connect_delay = 2s\n") + device("d", "b", 1, extra=points("d", [("holding", 0, 2)])))
    assert subscriber.wait("device/d", all_good, timeout=6).json["values"] == {"holding0": 256, "holding1": 257}
    assert gateway.links == 1 and gateway.requests[0].time >= gateway.connected[0] + 1.9  # seen a little late


@pytest.mark.parametrize("units", [1, 3])
def test_a_time_out_alone_does_not_close_a_connection(start, coolantd, subscriber, units):
    """The transaction id tells a late reply: there is nothing to be afraid of."""
    gateway = Swallowing(start, "tcp").wire
    coolantd(gateway.bus("b") + "".join(device(f"d{u}", "b", u, extra=points(f"d{u}", [("holding", 0, 2)])) for u in range(1, units + 1)))
    for u in range(1, units + 1):
        subscriber.wait(f"device/d{u}", all_good, timeout=10)
    assert gateway.links == 1
