"""A name look-up that takes a minute stops only what waits for it: its own bus or its own broker."""
import signal
import time

import harness
import pytest
from harness import Coolantd, Subscriber, device, head, tcp_bus
from test_faults import Scripted, answer
from test_service import NotifySocket

LOOKUP_S = 60
WATCHDOG_S = 3
TOTAL, IT = 0, 1  # registers of a meter, in kW
# a worker's own time-outs are no excuse for a watchdog that is not fed
IMPATIENT = "connect_timeout = 10ms\nresponse_timeout = 100ms\nretries = 0\n"


class SlowNames:
    """Makes the look-ups of some names slow, and knows when they began and ended."""

    def __init__(self, folder, *names, seconds=LOOKUP_S, answer=()):
        self.log = folder / "lookups"
        self.log.write_text("")
        self.env = {"LD_PRELOAD": str(harness.BUILD / "tests/system/slow_lookup.so"), "SLOW_LOOKUP_NAMES": ",".join(names),
                    "SLOW_LOOKUP_S": str(seconds), "SLOW_LOOKUP_ANSWER": ",".join(answer), "SLOW_LOOKUP_LOG": str(self.log),
                    "ASAN_OPTIONS": "verify_asan_link_order=0"}

    def count(self, what, name):
        return self.log.read_text().splitlines().count(f"{what} {name}")

    def wait(self, what, name, times=1, timeout=harness.PATIENCE):
        harness.wait_for(lambda: self.count(what, name) >= times, lambda: f"{what} {name}: {self.log.read_text()}", timeout)


class Meter(Scripted):
    """A meter that is asked for its two powers; `asked` has the time of each request."""

    def __init__(self, total=118, it=100):
        self.powers, self.asked = [total, it], []
        super().__init__(self.measure)

    def measure(self, transaction, unit, address, count):
        self.asked.append(time.monotonic())
        return [answer(transaction, unit, self.powers[address:address + count])]

    def longest_pause(self, since):
        times = [since] + [t for t in self.asked if t > since] + [time.monotonic()]
        return max(b - a for a, b in zip(times, times[1:]))

    def ini(self, bus="b", name="d"):
        """Polled ten times a second, with a PUE of which an alarm tells: both are of the control loop."""
        return (tcp_bus(bus, self.port) + device(name, bus, extra="poll_interval = 100ms\n" + "".join(
            f"[point:{name}.{p}]\nregister = holding:{r}\nunit = kW\n" for p, r in (("total", TOTAL), ("it", IT)))) +
            f"[pue:{name}]\nfacility = {name}.total\nit = {name}.it\nwindows = 1m\n"
            f"[alarm:{name}]\npoint = pue.{name}.power_ratio\nwhen = above\nlimit = 2\n")


class Watched:
    """A daemon with a watchdog, which must be fed all the time."""

    def __init__(self, folder, ini, names=None):
        self.folder, self.notify = folder, NotifySocket(folder)
        env = {"NOTIFY_SOCKET": str(self.notify.path), "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)), **(names.env if names else {})}
        self.process = self.daemon = Coolantd(folder, ini, env=env)
        self.started = time.monotonic()

    @property
    def text(self):
        return self.daemon.text

    def stop(self):
        """At the end of a test, which has asked it to stop before."""
        self.daemon.stop(signal.SIGKILL)

    def check_fed(self):
        fed = [self.started] + [t for t, text in list(self.notify.seen) if "WATCHDOG=1" in text]
        waited = max(b - a for a, b in zip(fed, fed[1:] + [time.monotonic()]))
        assert waited < WATCHDOG_S * 0.8, f"the watchdog was not fed for {waited:.1f} s:\n{self.daemon.text}"

    def watch_until(self, condition, what, timeout=150):
        """Fed all the time until then; 150 s are two look-ups, and more."""
        def fed_and():
            self.check_fed()
            return condition()
        harness.wait_for(fed_and, what, timeout)

    def watch(self, seconds):
        end = time.monotonic() + seconds
        self.watch_until(lambda: time.monotonic() > end, "the end of the watch")

    def check_control(self, meter, name="d"):
        """What is measured now becomes a PUE within three ticks."""
        def ratio():
            return harness.ask(self.folder, "GET", "/v1/alarms")[1]["alarms"][name]["value"]
        meter.powers[TOTAL] += 10
        wanted = meter.powers[TOTAL] / meter.powers[IT]
        harness.wait_for(lambda: ratio() == pytest.approx(wanted), lambda: (ratio(), wanted), 3)

    def check_stop(self):
        begin = time.monotonic()
        assert self.daemon.stop() == 0
        took = time.monotonic() - begin
        limit = 4 if harness.SANITIZED else 2
        assert took < limit, f"SIGTERM took {took:.1f} s"


def to_broker(folder, *uris, mqtt="publish = always\n"):
    return head(folder, 1, mqtt).replace("mqtt://127.0.0.1:1", ", ".join(uris))


def local(broker):
    return f"mqtt://127.0.0.1:{broker.port}"


def test_a_broker_whose_name_takes_a_minute(start, broker, tmp_path):
    names, meter = SlowNames(tmp_path, "broker.slow"), start(Meter)
    watched = start(Watched, tmp_path, to_broker(tmp_path, "mqtt://broker.slow") + meter.ini(), names)
    names.wait("begin", "broker.slow")
    began = time.monotonic()
    watched.watch(4)
    watched.check_control(meter)
    assert meter.longest_pause(began) < 1
    watched.check_stop()
    # what was measured meanwhile was kept
    asked = len(meter.asked)
    subscriber = Subscriber(broker.port)
    start(Coolantd, tmp_path, to_broker(tmp_path, local(broker)) + meter.ini()).wait_line("connected to the broker")

    def missing():
        return set(range(1, asked)) - {m.json["seq"] for m in subscriber.of("history/device/d")}
    harness.wait_for(lambda: not missing(), missing)
    subscriber.close()


def test_the_next_broker_serves_while_the_first_one_s_name_takes_a_minute(start, broker, subscriber, tmp_path):
    """At the start, and each time when it is tried whether the first one is back."""
    names, meter = SlowNames(tmp_path, "broker.slow"), start(Meter)
    watched = start(Watched, tmp_path, to_broker(tmp_path, "mqtt://broker.slow", local(broker)) + meter.ini(), names)
    names.wait("begin", "broker.slow")
    subscriber.wait("status", lambda m: m.text == "online")
    live = subscriber.wait("device/d").time
    watched.watch_until(lambda: names.count("begin", "broker.slow") > 1, "another try with the first broker")
    watched.watch(5)
    watched.check_control(meter)
    times = [m.time for m in subscriber.of("device/d") if m.time >= live]
    assert max(b - a for a, b in zip(times, times[1:] + [time.time()])) < 1
    watched.check_stop()
    subscriber.wait("status", lambda m: m.text == "offline")


def test_a_bus_whose_host_takes_a_minute(start, broker, subscriber, tmp_path):
    """A whole look-up, and a second one at the stop."""
    names, meter = SlowNames(tmp_path, "gateway.slow"), start(Meter)
    slow = f"[bus:slow]\ntype = tcp\nhost = gateway.slow\n{IMPATIENT}" + device("s", "slow", extra="[point:s.p]\nregister = holding:0\n")
    watched = start(Watched, tmp_path, to_broker(tmp_path, local(broker)) + meter.ini() + slow, names)
    names.wait("begin", "gateway.slow")
    began = time.monotonic()
    m = subscriber.wait("device/s").json
    assert m["values"] == {"p": None} and m["quality"] == {"p": "stale"}
    watched.watch_until(lambda: names.count("begin", "gateway.slow") > 1, "a second look-up")
    assert names.count("end", "gateway.slow") == 1
    watched.daemon.wait_line("device s on bus slow is silent: no address for the host name gateway.slow: the name server does not answer")
    watched.check_control(meter)
    assert meter.longest_pause(began) < 0.5
    health = subscriber.wait("health", lambda m: m.json["uptime_s"] >= LOOKUP_S, timeout=25).json
    assert health["buses"]["b"]["devices"]["d"]["missed_cycles"] <= LOOKUP_S * 10 * 0.01, "1 % is for a machine that is busy with tests"
    watched.check_stop()


@pytest.mark.parametrize("name", ["new", "slow"])
def test_a_bus_that_is_added_does_not_wait_for_one_that_hangs(start, broker, subscriber, tmp_path, name):
    """Also when it is the same one with a host that is right."""
    names, kept, added = SlowNames(tmp_path, "gateway.slow"), start(Meter), start(Meter)
    keep = to_broker(tmp_path, local(broker)) + kept.ini()
    slow = "[bus:slow]\ntype = tcp\nhost = gateway.slow\n" + device("e", "slow", extra="[point:e.total]\nregister = holding:0\n")
    watched = start(Watched, tmp_path, keep + slow, names)
    names.wait("begin", "gateway.slow")
    subscriber.wait("device/d")
    mark, began = len(subscriber.messages), time.monotonic()
    watched.daemon.reload(keep + added.ini(name, "e"))
    m = subscriber.wait("device/e", lambda m: m.json["values"].get("it"), after=mark).json
    took = time.monotonic() - began
    assert m["values"] == {"total": 118, "it": 100} and took < 2, f"the first value came after {took:.1f} s"
    watched.check_control(added, "e")
    assert kept.longest_pause(began) < 0.5
    watched.check_fed()
    watched.check_stop()


@pytest.mark.parametrize("back", [False, True], ids=["there", "and back"])
def test_a_reload_to_a_broker_whose_name_takes_a_minute(start, broker, subscriber, tmp_path, back):
    """A typing error in a name, and its correction."""
    names, meter = SlowNames(tmp_path, "broker.slow"), start(Meter)
    good = to_broker(tmp_path, local(broker)) + meter.ini()
    watched = start(Watched, tmp_path, good, names)
    subscriber.wait("device/d")
    watched.daemon.reload(good.replace(local(broker), "mqtt://broker.slow"))
    subscriber.wait("status", lambda m: m.text == "offline")
    names.wait("begin", "broker.slow")
    began = time.monotonic()
    watched.watch(3)
    watched.check_control(meter)
    if back:
        mark = len(subscriber.messages)
        watched.daemon.reload(good)
        subscriber.wait("status", lambda m: m.text == "online", after=mark, timeout=5)
        last = subscriber.wait("device/d", lambda m: not m.retain, after=mark).json["seq"]

        def missing():
            seen = {m.json["seq"] for t in ("", "history/") for m in subscriber.of(f"{t}device/d")}
            return set(range(1, last)) - seen
        harness.wait_for(lambda: not missing(), missing)
    assert meter.longest_pause(began) < 1
    watched.check_fed()
    watched.check_stop()


@pytest.mark.parametrize("where", ["bus", "broker"])
def test_a_look_up_that_takes_longer_than_the_connect_may(start, broker, subscriber, tmp_path, where):
    """Three seconds, and then the right address: slow is not unreachable."""
    name = f"{where}.slow"
    names, meter = SlowNames(tmp_path, name, seconds=3, answer=["127.0.0.1"]), start(Meter)
    ini = to_broker(tmp_path, local(broker)) + meter.ini().replace("[device:d]", "connect_timeout = 1s\n[device:d]")
    before = {"bus": "host = 127.0.0.1", "broker": "broker = mqtt://127.0.0.1"}[where]
    start(Coolantd, tmp_path, ini.replace(before, before.replace("127.0.0.1", name)), env=names.env)
    m = subscriber.wait("device/d", lambda m: m.json["values"].get("it")).json
    assert m["values"] == {"total": 118, "it": 100}
