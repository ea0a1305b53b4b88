"""Replies that come long after their time-out: no value is ever another register's."""
import os
import random
import threading
import time

import harness
import pytest
import wire
from harness import device
from wire import TRANSPORTS, Wire, all_good, points, wrong

TIMEOUT_S, PROMPT_S = 0.1, 0.03
SETTINGS = "response_timeout = 100ms\nmax_backoff = 1s\n"
LATE_S = (0.15, 0.5, 2, 5)
INJECTIONS = {"at-once": 24, "in-turn": 4}
UNITS, HEALTHY = (5, 6), 7  # one that is always prompt: a connection is not left when all are silent
# of one size each, so that nothing but the address is different
BLOCKS = (("holding", 0, 2), ("holding", 40, 2), ("holding", 80, 2))


class Late:
    """Every fourth reply is late, at random; the others take as long as they do at 9600 baud, so that there is nearly always a
    request under way which a late reply could be taken for. Two kinds of device: one begins with the next request at
    once, the other when it is done with the last one."""

    def __init__(self, start, transport, lateness, in_turn):
        self.lateness, self.in_turn, self.late, self.over = lateness, in_turn, 0, False
        self.chance, self.lock = random.Random(f"1 {transport} {lateness} {in_turn}"), threading.Lock()
        self.wire = start(Wire, transport, self.script)

    def script(self, request):
        with self.lock:
            if self.over or request.unit == HEALTHY or self.chance.random() > 0.25:
                return [PROMPT_S, request.right()]
            self.late += 1
        delay = TIMEOUT_S + self.lateness
        return [delay, request.right()] if self.in_turn else [(delay, request.right())]


@pytest.mark.parametrize("lateness", LATE_S)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_late_replies(start, coolantd, subscriber, transport, lateness):
    lines = {name: Late(start, transport, lateness, name == "in-turn") for name in INJECTIONS}
    devices = {f"{name}-{unit}": (name, unit) for name in lines for unit in UNITS}
    coolantd("".join(l.wire.bus(name, SETTINGS) for name, l in lines.items()) + "".join(
        device(d, bus, unit, extra="poll_interval = 300ms\n" + points(d, BLOCKS)) for d, (bus, unit) in devices.items()) + "".join(
        device(f"{bus}-{HEALTHY}", bus, HEALTHY, extra="poll_interval = 300ms\n" + points(f"{bus}-{HEALTHY}", BLOCKS)) for bus in lines),
        mqtt="publish = always\n")
    harness.wait_for(lambda: all(l.late >= INJECTIONS[n] for n, l in lines.items()), lambda: {n: l.late for n, l in lines.items()}, 90)
    for l in lines.values():
        l.over = True
    mark = len(subscriber.messages)
    for d in devices:
        subscriber.wait(f"device/{d}", all_good, after=mark, timeout=15 + 2 * lateness)
    found = {d: wrong(subscriber, d, unit) for d, (_, unit) in devices.items()}
    assert not any(found.values()), {d: f"{len(w)} wrong values, first {w[:3]}" for d, w in found.items()}


class Owing:
    """A reply to the second block comes when something else is asked of the unit, if that is within five seconds of its
    time-out: the worst moment. A serial server sends it over whatever connection there is then. The same request is answered
    when it is repeated a fourth time."""

    def __init__(self, start, transport, owed_reply):
        self.owed_reply, self.count, self.owed, self.repeats, self.confusions = owed_reply, 0, None, 0, 0
        self.wire = start(Wire, transport, self.script)

    def script(self, request):
        same = self.owed and (request.address, request.count, request.table) == (self.owed.address, self.owed.count, self.owed.table)
        if self.owed and not same:
            owed, self.owed = self.owed, None
            if request.time - owed.time > 5 + TIMEOUT_S:
                return [request.right()]
            self.confusions += 1
            return [self.owed_reply(owed), (0.03, request.right())]
        if same:
            self.repeats += 1
            if self.repeats < 4:
                return []
            self.owed = None
        elif request.address == 40:
            self.count += 1
            if self.count % 3 == 0:
                self.owed, self.repeats = request, 0
                return []
        return [request.right()]


# in a reply the number of bits is not told apart within a byte
SAME_SIZE = {"registers": BLOCKS, "bits": (("coil", 0, 3), ("coil", 40, 5))}


@pytest.mark.parametrize("what", SAME_SIZE)
@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_reply_that_is_owed_comes_at_the_worst_moment(start, coolantd, subscriber, transport, what):
    line = Owing(start, transport, lambda owed: owed.right())
    coolantd(line.wire.bus("b", SETTINGS) + device("d", "b", 5, extra="poll_interval = 300ms\n" + points("d", SAME_SIZE[what])),
             mqtt="publish = always\n")
    harness.wait_for(lambda: line.count >= 12, lambda: line.count, 90)
    assert not wrong(subscriber, "d", 5)
    wire.pass_time(0.5)
    mark = len(subscriber.messages)
    subscriber.wait("device/d", all_good, after=mark)


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_a_refusal_that_is_owed_is_not_another_block_s(start, coolantd, subscriber, transport):
    """An exception has no size that tells it apart: the block that is asked meanwhile is not split, and not bad."""
    line = Owing(start, transport, lambda owed: owed.exception(2))
    daemon = coolantd(line.wire.bus("b", SETTINGS) + device("d", "b", 5, extra="poll_interval = 300ms\n" + points("d", BLOCKS)),
                      mqtt="publish = always\n")
    harness.wait_for(lambda: line.count >= 12, lambda: line.count, 90)
    assert "refuses" not in daemon.text
    assert not [m.text for m in subscriber.of("device/d") if "bad" in m.json["quality"].values()]
    assert not wrong(subscriber, "d", 5)


@pytest.mark.parametrize("again", ["reload", "restart"])
@pytest.mark.parametrize("transport", ["rtutcp", "rtu"])
def test_what_was_asked_by_an_earlier_owner_of_the_line(start, coolantd, subscriber, broker, tmp_path, transport, again):
    """A reply is owed when the daemon ends, or its bus is set anew, and comes as the answer to the first request for another
    block. A block whose reply is like no other one's is read at once; that the others cannot be asked yet is no fault of theirs:
    nothing is stale, no alarm changes, and a new one waits."""
    owed = []

    def script(request):
        if request.address == 40 and not owed and len(line.requests) > 9:
            owed.append(request)
            return []
        if owed and request.address == 0 and owed[0] is not None and request.time - owed[0].time < 5:
            late, owed[0] = owed[0], None
            return [late.right(), (0.02, request.right())]
        return [request.right()]
    line = start(Wire, transport, script)
    blocks = BLOCKS + (("holding", 110, 3),)
    ini = line.bus("b", "response_timeout = 400ms\nretries = 0\n") + device("d", "b", 5, extra="poll_interval = 300ms\n" + points("d", blocks))
    alarms = "".join(f"[alarm:{name}]\npoint = d.holding40\nwhen = {when}\n" for name, when in (("known", "lost"), ("high", "above\nlimit = -1")))
    daemon = coolantd(ini + alarms, mqtt="publish = always\n")
    harness.wait_for(lambda: owed, "a reply that is owed", 30)
    alarms += "[alarm:new]\npoint = d.holding40\nwhen = lost\n"
    mark, since = len(subscriber.messages), time.monotonic()
    if again == "reload":
        daemon.reload(harness.head(tmp_path, broker.port, "publish = always\n") + ini.replace("400ms", "401ms") + alarms)
    else:
        daemon.stop()
        coolantd(ini + alarms, mqtt="publish = always\n")
    subscriber.wait("device/d", lambda m: m.text and m.json["values"].get("holding110") is not None, after=mark)
    assert time.monotonic() - since < 5
    subscriber.wait("device/d", all_good, after=mark, timeout=20)
    assert not wrong(subscriber, "d", 5)
    assert not [m.text for m in subscriber.of("device/d", mark) if "stale" in m.json["quality"].values()]
    subscriber.wait("alarm/new", lambda m: m.json["state"] == "normal", after=mark)
    assert {m.json["state"] for m in subscriber.of("alarm/known") + subscriber.of("alarm/new")} <= {"normal", "unknown"}
    assert {m.json["state"] for m in subscriber.of("alarm/high", mark)} <= {"active"}


@pytest.mark.parametrize("transport", ["rtutcp", "rtu"])
def test_who_starts_on_a_line_of_its_own_waits_for_nobody(start, coolantd, subscriber, broker, tmp_path, transport):
    """Nothing is owed where no run was before, or one that has ended long ago: blocks that are alike are read at once."""
    line = start(Wire, transport, lambda request: [request.right()])
    ini = line.bus("b") + device("d", "b", 5, extra="poll_interval = 300ms\n" + points("d", BLOCKS))
    for _ in range(2):
        mark, since = len(subscriber.messages), time.monotonic()
        daemon = coolantd(ini, mqtt="publish = always\n")
        subscriber.wait("device/d", lambda m: m.text and not m.retain and all_good(m), after=mark)
        assert time.monotonic() - since < 4
        daemon.stop()
        lock = tmp_path / "state" / "lock"
        os.utime(lock, (time.time() - 8, time.time() - 8))


TWICE_S = (0.002, 0.02, 0.09, 0.3, 0.6)


@pytest.mark.parametrize("share", [0.02, 0.3, 1])
@pytest.mark.parametrize("transport", ["rtutcp", "rtu"])
def test_replies_that_come_twice(start, coolantd, subscriber, transport, share):
    chance = random.Random(f"{transport} {share}")

    def script(request):
        again = [(0.005 + chance.choice(TWICE_S), request.right())] if chance.random() < share and request.unit != 7 else []
        return [(0.005, request.right()), *again]
    line = start(Wire, transport, script)
    blocks = BLOCKS + (("holding", 110, 3), ("holding", 115, 3), ("coil", 0, 3), ("coil", 40, 5))
    daemon = coolantd(line.bus("b", "response_timeout = 200ms\n") + "".join(
        device(f"d{u}", "b", u, extra="poll_interval = 1s\n" + points(f"d{u}", blocks)) for u in (5, 6, 7)), mqtt="publish = always\n")
    wire.pass_time(25)
    for u in (5, 6, 7):
        assert not wrong(subscriber, f"d{u}", u)
    mark = len(subscriber.messages)
    for u in (5, 6, 7):
        subscriber.wait(f"device/d{u}", all_good, after=mark)
    assert daemon.text.count("replies come twice") == 1
