"""The last day of PUE figures and loops, for a page that has just been opened."""
import signal
import struct
import time

import harness
import pytest
from harness import Coolantd, ModbusServer, device, head, tcp_bus
from test_homeassistant import FIGURES, PLANT, PLANT_VALUES
from test_state import stepped

STEP_S, STEPS = 300, 288
NEW = ("[pue:new]\nfacility = d.total\nit = d.it\nwindows = 1m\nalarms = no\n"
       "[loop:spare]\ncoolant = water\nflow = d.flow\nsupply = d.supply\nreturn = d.return\nalarms = no\n")


@pytest.fixture
def row(start, tmp_path, broker):
    """A row whose wall clock comes to the end of a step in some seconds."""
    class Row:
        def __init__(self):
            self.offset = int(STEP_S - 5 - time.time() % STEP_S)
            self.step, self.env = stepped(tmp_path, self.offset)
            self.server = start(ModbusServer, tmp_path, {"1": {"holding": dict(PLANT_VALUES)}})
            self.device = tcp_bus("b", self.server.port) + device("d", "b", extra="poll_interval = 200ms\n" + PLANT)

        def ini(self, figures=FIGURES):
            return head(tmp_path, broker.port) + self.device + figures

        def go(self):
            return start(Coolantd, tmp_path, self.ini(), env=self.env)

        def set_clock(self, more):
            self.offset += more
            with open(self.step, "r+b") as f:
                f.write(struct.pack("q", self.offset))
    return Row()


def figure(m, name):
    return m.json["figures"][name]


def test_a_day_in_steps(row, subscriber):
    daemon = row.go()
    first = subscriber.wait("trend/pue/row").json
    assert set(first) == {"step_s", "end", "figures"} and first["step_s"] == STEP_S and first["end"] % (STEP_S * 1000) == 0
    assert first["figures"] == {k: [None] * STEPS for k in ("pue", "facility_kw", "it_kw")}
    pue = subscriber.wait("trend/pue/row", lambda m: m.json["end"] > first["end"], timeout=20)
    assert pue.json["end"] == first["end"] + STEP_S * 1000
    assert pue.json["figures"] == {k: [None] * (STEPS - 1) + [v] for k, v in (("pue", 1.2), ("facility_kw", 12), ("it_kw", 10))}
    loop = subscriber.wait("trend/loop/main", lambda m: m.json["end"] > first["end"])
    assert {k: v[-1] for k, v in loop.json["figures"].items()} == {
        "heat": pytest.approx(69.2, abs=0.5), "flow": 100, "supply_temperature": 30, "return_temperature": 40, "pressure_drop": None}
    # over a power cut a second later, and what is missed is a gap
    harness.wait_for(lambda: time.time() > pue.time + 2, "the second that may be lost", 5)
    daemon.stop(signal.SIGKILL)
    mark = len(subscriber.messages)
    daemon = row.go()
    again = subscriber.wait("trend/pue/row", after=mark)
    assert again.json == pue.json and not again.retain
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] == 1.2, after=mark)
    time_of = len(subscriber.messages)
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] == 1.2, after=time_of)
    row.set_clock(2 * STEP_S)
    later = subscriber.wait("trend/pue/row", lambda m: m.json["end"] == pue.json["end"] + 2 * STEP_S * 1000, after=mark)
    assert figure(later, "pue") == [None] * (STEPS - 3) + [1.2, 1.2, None]
    # one that is new has its day at once, with nothing in it; one with other windows, or another name, is the same
    mark = len(subscriber.messages)
    daemon.reload(row.ini(FIGURES.replace("windows = 1m, 15m", "windows = 1m, 1h") + NEW))
    same = subscriber.wait("trend/pue/row", lambda m: m.json["end"] == later.json["end"], after=mark)
    assert figure(same, "pue")[-3:] == [1.2, 1.2, None]
    for topic, name in (("trend/pue/new", "pue"), ("trend/loop/spare", "heat")):
        new = subscriber.wait(topic, after=mark)
        assert (new.json["end"], figure(new, name)) == (later.json["end"], [None] * STEPS)
    mark = len(subscriber.messages)
    daemon.reload(row.ini(FIGURES.replace("pue:row", "pue:hall") + NEW))
    assert figure(subscriber.wait("trend/pue/hall", after=mark), "pue")[-3:] == [1.2, 1.2, None]
    assert subscriber.wait("trend/pue/row", lambda m: m.text == "", after=mark)
    # gone from the configuration, gone from the broker
    daemon.reload(row.ini(FIGURES.split("[group")[0]))
    assert subscriber.wait("trend/pue/hall", lambda m: m.text == "", after=mark)
    kept = subscriber.wait("trend/loop/main", lambda m: m.json["end"] == later.json["end"], after=mark)
    assert figure(kept, "flow")[-3:] == [100, 100, None]


def test_a_step_without_good_data_is_null(row, subscriber):
    row.go()
    first = subscriber.wait("trend/pue/row").json
    subscriber.wait("loop/main", lambda m: m.json["values"]["flow"] == 100)
    row.server.stop()
    subscriber.wait("loop/main", lambda m: m.json["values"]["flow"] is None)
    row.set_clock(STEP_S)
    subscriber.wait("trend/loop/main", lambda m: m.json["end"] == first["end"] + STEP_S * 1000 and figure(m, "flow")[-1] == 100)
    row.set_clock(STEP_S)
    lost = subscriber.wait("trend/loop/main", lambda m: m.json["end"] == first["end"] + 2 * STEP_S * 1000)
    assert figure(lost, "flow")[-2:] == [100, None]


def test_a_clock_that_is_behind_after_a_boot_forgets_nothing(row, subscriber):
    daemon = row.go()
    first = subscriber.wait("trend/pue/row").json
    before = subscriber.wait("trend/pue/row", lambda m: m.json["end"] > first["end"], timeout=20)
    daemon.stop()
    row.set_clock(-3600)
    mark = len(subscriber.messages)
    row.go()
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] == 1.2, after=mark)
    subscriber.wait("health", after=mark)
    assert not subscriber.of("trend/pue/row", mark)
    row.set_clock(3600)
    after = subscriber.wait("trend/pue/row", after=mark)
    assert after.json == before.json
