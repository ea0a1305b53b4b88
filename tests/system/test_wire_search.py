"""The search for a register that is never answered: it costs that register, and nobody else."""
import time

import pytest
import wire
from harness import device
from wire import TRANSPORTS, Wire, all_good, points, share_of_cycles

SECONDS = 16
MUTE = 20  # of 50 registers


def messages(subscriber, name, since):
    return [m.json for m in list(subscriber.messages)
            if m.topic.endswith(f"/device/{name}") and m.text and m.json["ts"] / 1000 > since]


def times_stale(subscriber, name, since):
    """{point: how often it became stale}, of those that did."""
    times, before = {}, {}
    for m in messages(subscriber, name, since):
        for point in m["values"]:
            stale = m["quality"].get(point) == "stale"
            times[point] = times.get(point, 0) + (stale and not before.get(point))
            before[point] = stale
    return {point: n for point, n in times.items() if n}


@pytest.mark.parametrize("when", ["from the start", "later"])
@pytest.mark.parametrize("timeout", ["200ms", "500ms"])
def test_the_search_for_a_mute_register(start, coolantd, subscriber, timeout, when):
    """Its neighbour on the bus is read as ever; the other registers of its device are away once, until they are told from it."""
    mute = when == "from the start"
    lines = {t: start(Wire, t, lambda r: [] if mute and r.unit == 1 and r.covers(MUTE) else [r.right()]) for t in TRANSPORTS}
    coolantd("".join(l.bus(t, f"response_timeout = {timeout}\n") +
                     device(f"{t}-d", t, 1, extra=points(f"{t}-d", [("holding", 0, 50)])) +
                     device(f"{t}-n", t, 2, extra=points(f"{t}-n", [("holding", 0, 2)])) for t, l in lines.items()),
             mqtt="publish = always\n")
    for t in TRANSPORTS:
        subscriber.wait(f"device/{t}-n", all_good)
        if not mute:
            subscriber.wait(f"device/{t}-d", all_good)
    mute, since = True, time.time()
    wire.pass_time(SECONDS)
    for t, line in lines.items():
        share = share_of_cycles(subscriber, f"{t}-n", 1, since, since + SECONDS)
        assert share >= 0.97 and not times_stale(subscriber, f"{t}-n", since), f"{t}: the neighbour had {share:.0%} of its cycles"
        stale = times_stale(subscriber, f"{t}-d", since)
        stale.pop(f"holding{MUTE}", None)
        assert set(stale.values()) <= {1}, t
        last = messages(subscriber, f"{t}-d", since)[-1]
        assert [p for p, v in last["values"].items() if v is None] == [f"holding{MUTE}"], t
        assert line.links == 1, t
