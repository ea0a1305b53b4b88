"""Units that are silent, busy or dead behind a gateway, and connections that die without a sign: the neighbours go on."""
import time

import harness
import pytest
import wire
from harness import device
from wire import TRANSPORTS, Wire, all_good, points, share_of_cycles

ENOUGH = 0.97  # of the cycles
ALWAYS = "publish = always\n"


def rows(bus, names, interval, block=("holding", 0, 2)):
    """Devices by their names and units."""
    return "".join(device(n, bus, u, extra=f"poll_interval = {interval}\n" + points(n, [block])) for n, u in names.items())


@pytest.mark.parametrize("transport", ["tcp", "rtutcp"])
def test_a_connection_that_dies_without_a_sign(start, coolantd, subscriber, transport):
    """As when a NAT forgets it: what is sent vanishes. New connections work; all thirty units are back within ten seconds."""
    gateway = start(Wire, transport)
    names = {f"d{u}": u for u in range(1, 31)}
    coolantd(gateway.bus("b") + rows("b", names, "1s"), mqtt=ALWAYS)
    for n in names:
        subscriber.wait(f"device/{n}", all_good)
    gateway.die()
    died, mark = time.monotonic(), len(subscriber.messages)
    for n in names:
        subscriber.wait(f"device/{n}", lambda m: all_good(m) and m.json["ts"] / 1000 > time.time() - 1, timeout=10, after=mark)
    took = time.monotonic() - died
    assert took < 10, f"the last unit was back after {took:.1f} s"


@pytest.mark.parametrize("transport", ["tcp", "rtutcp"])
def test_a_connection_that_dies_with_dead_units_behind_it(start, coolantd, subscriber, transport):
    """Three units never answer, each for a time-out of 1 s: the others are back within ten seconds all the same."""
    gateway = start(Wire, transport, lambda r: [] if r.unit <= 3 else [r.right()])
    names = {f"d{u}": u for u in range(1, 31)}
    coolantd(gateway.bus("b", "response_timeout = 1s\n") + rows("b", names, "1s"), mqtt=ALWAYS)
    well = list(names)[3:]
    for n in well:
        subscriber.wait(f"device/{n}", all_good, timeout=30)
    wire.pass_time(12)  # the dead are known for what they are
    gateway.die()
    died = time.monotonic()
    harness.wait_for(lambda: len({r.unit for r in gateway.asked(died) if r.link > gateway.dead_links and r.unit > 3}) == len(well), "all units", 20)
    took = time.monotonic() - died
    assert took < 10, f"the last unit was back after {took:.1f} s"


@pytest.mark.parametrize("transport", ["tcp", "rtutcp"])
def test_the_kernel_watches_a_connection(start, coolantd, subscriber, transport):
    gateway = start(Wire, transport)
    coolantd(gateway.bus("b") + rows("b", {"d": 1}, "1h"))
    subscriber.wait("device/d", all_good)

    def timers():
        with open("/proc/net/tcp", encoding="ascii") as f:
            sockets = [line.split() for line in f.readlines()[1:]]
        return [s[5].split(":")[0] for s in sockets if s[2].endswith(f":{gateway.place:04X}") and s[3] == "01"]
    assert timers() == ["02"], "keep-alive"


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_most_units_of_a_gateway_fall_silent_at_once(start, coolantd, subscriber, transport):
    silent = False
    gateway = start(Wire, transport, lambda r: [] if silent and r.unit > 1 else [r.right()])
    names = {f"d{u}": u for u in range(1, 31)}
    coolantd(gateway.bus("b", "response_timeout = 200ms\nmax_backoff = 4s\n") + rows("b", names, "400ms"), mqtt=ALWAYS)
    for n in names:
        subscriber.wait(f"device/{n}", all_good)
    silent, since = True, time.time()
    for n in list(names)[1:]:
        subscriber.wait(f"device/{n}", lambda m: set(m.json["quality"].values()) == {"stale"}, timeout=8)
    wire.pass_time(since + 16 - time.time())
    share = share_of_cycles(subscriber, "d1", 0.4, since, since + 16)
    silent, mark = False, len(subscriber.messages)
    for n in names:
        subscriber.wait(f"device/{n}", all_good, timeout=8, after=mark)
    assert share >= ENOUGH, f"the healthy unit had {share:.0%} of its cycles"


class Gateway:
    """Units 1 to 3 are well; of 4 to 6 something else is said, until they are `well`."""

    def __init__(self, start, transport, say):
        self.say, self.well = say, False
        self.wire = start(Wire, transport, lambda r: [r.right()] if r.unit <= 3 or self.well else self.say(r))

    @staticmethod
    def names(bus):
        return {f"{bus}-{u}": u for u in range(1, 7)}


def watch_gateways(gateways, coolantd, subscriber, seconds):
    """Polls them for so long; returns the daemon and [(bus, name, its share of the cycles)] of those that are well."""
    daemon = coolantd("".join(g.wire.bus(bus, "response_timeout = 300ms\nmax_backoff = 4s\n") + rows(bus, g.names(bus), "500ms")
                              for bus, g in gateways.items()), mqtt=ALWAYS)
    well = [(bus, n) for bus, g in gateways.items() for n, u in g.names(bus).items() if u <= 3]
    for _, n in well:
        subscriber.wait(f"device/{n}", all_good)
    since = time.time()
    wire.pass_time(seconds)
    return daemon, [(bus, n, share_of_cycles(subscriber, n, 0.5, since, since + seconds)) for bus, n in well]


def check_return(gateways, subscriber):
    mark = len(subscriber.messages)
    for g in gateways.values():
        g.well = True
    for bus, g in gateways.items():
        for n in g.names(bus):
            subscriber.wait(f"device/{n}", all_good, timeout=8, after=mark)


def test_a_gateway_speaks_for_units_that_are_not_there(start, coolantd, subscriber):
    """Exceptions 10 and 11, after the time that the gateway has waited itself: the unit is silent."""
    gateways = {f"{t}-{code}": Gateway(start, t, lambda r, code=code: [0.2, r.exception(code)])
                for t in ("tcp", "rtutcp") for code in (10, 11)}
    daemon, shares = watch_gateways(gateways, coolantd, subscriber, 20)
    low = {(bus, n): f"{s:.0%}" for bus, n, s in shares if s < ENOUGH}
    assert not low
    for bus, g in gateways.items():
        health = wire.devices_health(subscriber, bus)
        for n in (n for n, u in g.names(bus).items() if u > 3):
            assert set(subscriber.last(f"device/{n}").json["quality"].values()) == {"stale"}
            assert not health[n]["up"] and health[n]["backoff_s"] >= 2
            daemon.wait_line(f"device {n} on bus {bus} is silent")
            assert f"device {n} on bus {bus} answers" not in daemon.text
    check_return(gateways, subscriber)


def test_units_that_stay_busy_are_left_alone_in_growing_steps(start, coolantd, subscriber):
    """Exceptions 6 (busy) and 5 (acknowledge), at once or after a while."""
    gateways = {f"code{code}-{ms}": Gateway(start, t, lambda r, code=code, ms=ms: [ms / 1000, r.exception(code)])
                for t, code, ms in (("tcp", 6, 0), ("tcp", 5, 0), ("tcp", 6, 100), ("rtutcp", 6, 50))}
    _, shares = watch_gateways(gateways, coolantd, subscriber, 20)
    low = {(bus, n): f"{s:.0%}" for bus, n, s in shares if s < ENOUGH}
    assert not low
    for bus, g in gateways.items():
        for n, unit in ((n, u) for n, u in g.names(bus).items() if u > 3):
            asked = len(g.wire.asked(time.monotonic() - 10, unit=unit))
            assert 1 <= asked <= 12, f"{n} was asked {asked} times in ten seconds"
            assert subscriber.last(f"device/{n}").json["values"] == {"holding0": None, "holding1": None}
    check_return(gateways, subscriber)
