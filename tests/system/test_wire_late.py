"""Replies that come long after their time-out: no value is ever another register's."""
import random
import threading

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
