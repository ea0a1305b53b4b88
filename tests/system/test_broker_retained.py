"""What a late subscriber sees: the whole state of everything that is configured, and nothing of what is not any more."""
import time

import harness
import pytest
import wire
from harness import Coolantd, device, head, tcp_bus
from mqtt_broker import EXPIRY, ScriptedBroker
from wire import CLOSE, Wire, points

STEADY, MOVING, SLOW, ONCE, MUTE = 0, 10, 20, 30, 40  # registers
NOT_WHOLE = "the retained message is the last change"
POINTS = ("[point:d.steady]\nregister = holding:0\nunit = kPa\ndescription = steady\n[point:d.moving]\nregister = holding:10\n"
          "[point:d.slow]\nregister = holding:20\npoll = slow\n[point:d.once]\nregister = holding:30\npoll = once\n")


class Device:
    """Registers of which one moves with each reading, and one may fall silent; `read` has the times of its readings."""

    def __init__(self, start):
        self.moved, self.read, self.mute = 0, {}, False
        self.wire = start(Wire, "tcp", self.script)

    def script(self, request):
        self.read.setdefault(request.address, []).append(time.time())
        if request.address == MUTE and self.mute:
            return []
        self.moved += request.address == MOVING
        return [request.words([self.moved % 65536 if request.address == MOVING else request.address + 1] * request.count)]

    def ini(self, extra=""):
        return self.wire.bus("b", "response_timeout = 100ms\nretries = 0\nmax_backoff = 1s\n") + device("d", "b", 1, extra="poll_interval = 200ms\n" + POINTS) + extra


def go(start, tmp_path, broker, ini, keys=""):
    return start(Coolantd, tmp_path, head(tmp_path, broker.port, keys) + ini)


def test_each_live_message_is_the_whole_state(start, tmp_path):
    broker, unit = start(ScriptedBroker), Device(start)
    go(start, tmp_path, broker, unit.ini())
    broker.wait("device/d", lambda m: m.json["values"].get("moving", 0) > 30)
    whole = [m.json for m in broker.of("device/d")][5:]  # after the first cycle of all rhythms
    assert all(set(m["values"]) == {"steady", "moving", "slow", "once"} for m in whole)
    assert all(m["values"] | {"moving": 0} == {"steady": 1, "moving": 0, "slow": 21, "once": 31} and m["quality"] == {} for m in whole)
    assert [m["values"]["moving"] for m in whole] == sorted({m["values"]["moving"] for m in whole})
    assert broker.last("device/d").retain and broker.kept()["device/d"] == broker.last("device/d").text


def test_times_are_of_what_was_read_at_another_time(start, tmp_path):
    broker, unit = start(ScriptedBroker), Device(start)
    go(start, tmp_path, broker, unit.ini())
    m = broker.wait("device/d", lambda m: m.json["values"].get("moving", 0) > 25).json
    assert {"slow", "once"} <= set(m["times"]) and "moving" not in m["times"]
    for name, register in (("slow", SLOW), ("once", ONCE)):
        read = [t for t in unit.read[register] if t < m["ts"] / 1000][-1]
        assert abs(m["times"][name] / 1000 - read) < 0.1, name
    assert min(m["times"].values()) < m["ts"] and abs(m["ts"] / 1000 - time.time()) < 2


def test_a_steady_device_is_not_sent_each_cycle(start, tmp_path):
    broker, unit = start(ScriptedBroker), Device(start)
    unit.wire.script = lambda r: [r.words([7] * r.count)]
    go(start, tmp_path, broker, unit.ini())
    broker.wait("device/d")
    wire.pass_time(1.5)  # all rhythms begin at once
    mark = len(broker.messages)
    wire.pass_time(3)
    assert len(broker.of("device/d", mark)) <= 2


def test_what_is_not_known_is_null_beside_what_is(start, tmp_path):
    """A device that falls silent and comes back: its whole state is null, then whole again, once-read values too."""
    broker, unit = start(ScriptedBroker), Device(start)
    go(start, tmp_path, broker, unit.ini())
    broker.wait("device/d", lambda m: len(m.json["values"]) == 4)
    wire.pass_time(2.5)
    unit.wire.script = lambda r: [CLOSE]
    m = broker.wait("device/d", lambda m: m.json["values"].get("slow", 0) is None, timeout=15).json
    assert {"steady", "moving", "slow"} <= {n for n, q in m["quality"].items() if q == "stale"}
    assert set(m["values"]) == {"steady", "moving", "slow", "once"}
    unit.wire.script = unit.script
    m = broker.wait("device/d", lambda m: None not in m.json["values"].values(), after=len(broker.messages), timeout=15).json
    assert set(m["values"]) == {"steady", "moving", "slow", "once"} and m["quality"] == {}


def test_history_has_only_what_had_changed(start, tmp_path):
    broker, unit = start(ScriptedBroker), Device(start)
    daemon = go(start, tmp_path, broker, unit.ini())
    broker.wait("device/d", lambda m: m.json["values"].get("moving", 0) > 15)
    broker.away()
    daemon.wait_line("no connection to the broker")
    at = unit.moved
    harness.wait_for(lambda: unit.moved > at + 10, "readings")
    broker.back()
    wanted = set(range(at + 1, at + 9))

    def late():
        return [m.json["values"] for m in broker.of("history/device/d") if m.json["values"].get("moving") in wanted]
    harness.wait_for(lambda: {v["moving"] for v in late()} == wanted, late)
    assert all(set(v) <= {"moving", "slow"} for v in late()), late()


def test_each_device_has_its_info(start, tmp_path):
    broker, unit = start(ScriptedBroker), Device(start)
    go(start, tmp_path, broker, unit.ini("[alarm:a]\npoint = d.moving\nwhen = stale\n"))
    m = broker.wait("info/d", timeout=5)
    info = m.json
    assert m.retain and info["bus"] == "b" and info["unit_id"] == 1
    assert set(info["points"]) == {"steady", "moving", "slow", "once"}
    assert info["points"]["steady"] | {"unit": "kPa", "type": "u16", "description": "steady"} == info["points"]["steady"]
    whole = broker.last("info").json
    assert set(whole["devices"]) == {"d"} and "a" in whole["alarms"]


def test_labels_of_a_device_are_in_its_info(start, tmp_path):
    broker, unit = start(ScriptedBroker), Device(start)
    go(start, tmp_path, broker, unit.ini().replace("poll_interval", "labels = serial:4711, side:technology\npoll_interval", 1))
    assert broker.wait("info/d", timeout=5).json["labels"] == {"serial": "4711", "side": "technology"}


def everything(start, broker, tmp_path):
    """A configuration with two of each kind; the second ones may go."""
    unit = Device(start)
    power = start(Wire, "tcp", lambda r: [r.words([100 + r.address + i for i in range(r.count)])])

    def second(name):
        return (device(name, "p", 2 if name == "e" else 1, extra="poll_interval = 200ms\n" + "".join(
            f"[point:{name}.{p}]\nregister = holding:{a}\nunit = {u}\n" for a, (p, u) in enumerate(
                (("total", "kW"), ("it", "kW"), ("flow", "L/min"), ("t1", "Cel"), ("t2", "Cel"))))) +
            f"[loop:loop-{name}]\ncoolant = water\nflow = {name}.flow\nsupply = {name}.t1\nreturn = {name}.t2\nalarms = no\n"
            f"[pue:pue-{name}]\nfacility = {name}.total\nit = {name}.it\n[alarm:alarm-{name}]\npoint = {name}.t1\nwhen = above\nlimit = 1\n")
    top = head(tmp_path, broker.port, "layout = both\n")
    rest = unit.ini() + tcp_bus("p", power.place)
    less, more = top + rest + second("m"), top + rest + second("m") + second("e")
    return less, more


def topics_of(name, kept):
    """What is retained of a device and its loop, PUE and alarm."""
    return {t for t in kept if {name, f"loop-{name}", f"pue-{name}", f"alarm-{name}"} & set(t.split("/"))}


def test_retained_values_do_not_expire(start, tmp_path):
    """Also those of a device that is silent, disabled, or read once."""
    broker = start(ScriptedBroker)
    _, more = everything(start, broker, tmp_path)
    more += tcp_bus("nobody", harness.free_port()) + device("gone", "nobody", 1, extra="[point:gone.p]\nregister = holding:0\n")
    start(Coolantd, tmp_path, more + device("off", "b", 9, extra="enabled = no\n[point:off.p]\nregister = holding:0\n"))
    broker.wait("pue/pue-e")
    broker.wait("device/gone", lambda m: m.json["quality"] == {"p": "stale"})
    assert not {m.topic for m in broker.messages if EXPIRY in m.properties and m.retain}
    assert broker.last("device/off").json["quality"] == {"p": "out_of_service"} and broker.last("point/d/once").retain


def test_a_broker_that_forgot_gets_the_whole_state_again(start, tmp_path):
    broker = start(ScriptedBroker)
    _, more = everything(start, broker, tmp_path)
    more += tcp_bus("nobody", harness.free_port()) + device("gone", "nobody", 1, extra="[point:gone.p]\nregister = holding:0\n")
    daemon = start(Coolantd, tmp_path, more + device("off", "b", 9, extra="enabled = no\n[point:off.p]\nregister = holding:0\n"))
    broker.wait("pue/pue-e")
    broker.wait("device/gone", lambda m: m.json["quality"] == {"p": "stale"})
    wire.pass_time(3)
    before = set(broker.kept())
    assert {"device/off", "device/gone", "point/gone/p", "point/d/once"} <= before
    broker.away(forget=True)
    daemon.wait_line("no connection to the broker")
    broker.back()
    harness.wait_for(lambda: set(broker.kept()) == before, lambda: f"missing {sorted(before - set(broker.kept()))}", 10)


WAYS = ("a reload", "a restart", "a reload while the broker is away", "a restart while the broker is away")


@pytest.mark.parametrize("way", WAYS)
def test_what_leaves_the_configuration_leaves_the_broker(start, tmp_path, way):
    broker = start(ScriptedBroker)
    less, more = everything(start, broker, tmp_path)
    daemon = start(Coolantd, tmp_path, more)
    kinds = {"device/e", "point/e/t1", "loop/loop-e", "pue/pue-e", "alarm/alarm-e"}
    harness.wait_for(lambda: kinds <= topics_of("e", broker.kept()), lambda: kinds - set(broker.kept()), 10)
    if "away" in way:
        broker.away()
        daemon.wait_line("no connection to the broker")
    if "reload" in way:
        daemon.reload(less)
    if "restart" in way:
        assert daemon.stop() == 0
        daemon = start(Coolantd, tmp_path, less)
    if way == "a reload while the broker is away":
        wire.pass_time(1)
        assert daemon.stop() == 0  # it is known over a restart, too
        daemon = start(Coolantd, tmp_path, less)
    if "away" in way:
        broker.back()
    harness.wait_for(lambda: not topics_of("e", broker.kept()), lambda: topics_of("e", broker.kept()), 12)
    kept = broker.kept()
    assert {t.replace("-e", "-m").replace("/e", "/m") for t in kinds} <= topics_of("m", kept) and kept["status"] == "online"


@pytest.mark.parametrize("change", ["a point", "the layout"])
def test_topics_that_are_not_used_any_more_are_emptied(start, tmp_path, change):
    broker, unit = start(ScriptedBroker), Device(start)
    before = head(tmp_path, broker.port, "layout = both\n") + unit.ini("[point:d.extra]\nregister = holding:50\n")
    daemon = start(Coolantd, tmp_path, before)
    broker.wait("point/d/extra")
    if change == "a point":
        daemon.reload(head(tmp_path, broker.port, "layout = both\n") + unit.ini())
        harness.wait_for(lambda: "point/d/extra" not in broker.kept(), lambda: sorted(broker.kept()), 10)
        broker.wait("device/d", lambda m: set(m.json["values"]) == {"steady", "moving", "slow", "once"}, after=len(broker.messages))
        assert "point/d/moving" in broker.kept()
        return
    daemon.reload(before.replace("layout = both", "layout = device"))
    harness.wait_for(lambda: not [t for t in broker.kept() if t.startswith("point/")], lambda: sorted(broker.kept()), 10)
    assert "device/d" in broker.kept()
