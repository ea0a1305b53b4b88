"""The hours that are kept on the controller: each energy in its hour, once, whatever happens."""
import sqlite3
import struct
import time

import harness
import pytest
from harness import Coolantd, head
from test_state import hold, set_energy, start_meters, stepped, wait_for_save

HOUR_MS = 3600000


def records(folder, **arguments):
    query = "&".join(f"{k}={v}" for k, v in arguments.items())
    status, answer = harness.ask(folder, "GET", "/v1/records" + ("?" + query if query else ""))
    assert status == 200, answer
    return answer


def kwh(answer, meter):
    return sum(r["meters"][meter]["kwh"] for r in answer["records"] if meter in r["meters"])


def test_the_running_hour_is_told(start, broker, tmp_path):
    server, ini = start_meters(start, tmp_path)
    set_energy(server, 1000000)
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini + "[loop:l]\ncoolant = water\nflow = rack.flow\nsupply = rack.cold\n"
          "return = rack.warm\n[point:rack.flow]\nregister = holding:0\ntype = f32\nunit = L/min\n"
          "[point:rack.cold]\nregister = holding:4\nunit = Cel\n[point:rack.warm]\nregister = holding:4\nunit = Cel\noffset = 10\n")
    hold(2)
    set_energy(server, 1010000)
    harness.wait_for(lambda: kwh(records(tmp_path), "rack") > 9.99, "the energy", 20)
    answer = records(tmp_path)
    assert answer["step"] == "hour" and answer["timezone"] == "UTC"
    r = answer["records"][-1]
    now = 1000 * time.time()
    assert now - 15000 < r["end"] <= now and r["start"] % HOUR_MS == 0
    assert r["meters"]["rack"]["role"] == "it" and r["meters"]["rack"]["to"] == pytest.approx(1010, abs=1e-3)
    assert r["pue"]["row"]["facility_kwh"] == pytest.approx(11.8, abs=0.01)
    assert r["pue"]["row"]["partial"] is False
    # 100 L/min of water by 10 K are 69.4 kW
    assert r["loops"]["l"]["heat"]["mean"] == pytest.approx(69.4, rel=0.01)
    assert r["loops"]["l"]["flow"]["min"] == r["loops"]["l"]["flow"]["max"] == 100
    assert r["alarms"]["power"]["count"] == 1 and r["corrections"] == []


def test_what_cannot_be_told_says_why(start, broker, tmp_path):
    _, ini = start_meters(start, tmp_path)
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    for query, why in (("step=week", "hour, day, month, year"), ("from=yesterday", "ISO 8601"), ("from=1972&to=1971", "from is not before to"),
                       ("from=2020&to=2026", "step=day")):
        status, answer = harness.ask(tmp_path, "GET", "/v1/records?" + query)
        assert status == 400 and why in answer["error"], answer
    assert records(tmp_path, **{"from": "2020-01", "to": "2020-02", "step": "day"})["records"] == []


def test_kills_at_the_edge_of_an_hour_lose_and_double_nothing(start, broker, tmp_path):
    server, ini = start_meters(start, tmp_path)
    step, env = stepped(tmp_path, 0)
    total = 1000000
    set_energy(server, total)
    for turn in range(4):
        daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini, env=env)
        hold(2)
        total += 5000
        set_energy(server, total)
        hold(2)
        if turn % 2:
            # another hour: what is gathered goes into the tables with the next save
            step.write_bytes(struct.pack("q", 3600 * (turn + 1)))
        wait_for_save(tmp_path / "state")
        daemon.process.kill()
        daemon.process.wait()
    start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini, env=env)
    first = int(1000 * time.time()) - HOUR_MS

    def whole():
        return records(tmp_path, **{"from": first, "to": first + 8 * HOUR_MS})
    harness.wait_for(lambda: kwh(whole(), "rack") > 19.99, "all energy", 30)
    hold(2)
    assert kwh(whole(), "rack") == pytest.approx(20, abs=1e-3)
    assert kwh(whole(), "facility") == pytest.approx(23.6, abs=1e-3)
    assert len(whole()["records"]) > 1


def test_a_stop_puts_all_into_the_tables(start, broker, tmp_path):
    server, ini = start_meters(start, tmp_path)
    set_energy(server, 1000000)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini)
    hold(2)
    set_energy(server, 1005000)
    harness.wait_for(lambda: kwh(records(tmp_path), "rack") > 4.99, "the energy", 20)
    assert daemon.stop() == 0
    with sqlite3.connect(tmp_path / "state/state.db") as db:
        assert db.execute("SELECT sum(mj) FROM energy JOIN record_name ON id = name WHERE item = 'rack'").fetchone()[0] == 5 * 3.6e9
        assert {k for (k,) in db.execute("SELECT part FROM record_name WHERE owner = 'row' AND kind = 1")} == {"", "facility", "it"}


def test_none_are_made_when_none_are_kept(start, broker, tmp_path):
    server, ini = start_meters(start, tmp_path)
    daemon = start(Coolantd, tmp_path, head(tmp_path, broker.port) + ini + "[records]\nkeep = 0\n")
    hold(2)
    assert records(tmp_path)["records"] == []
    assert daemon.stop() == 0
    with sqlite3.connect(tmp_path / "state/state.db") as db:
        assert db.execute("SELECT count(*) FROM record_name").fetchone() == (0,)
