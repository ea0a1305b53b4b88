"""A whole life of coolantd under valgrind: start, run, reload, broker away and back, SIGTERM."""
import os
import pathlib
import signal

import pytest

import harness
from harness import device, f32, head, registers, tcp_bus

PLAIN = os.environ.get("COOLANTD_PLAIN_BUILD")


@pytest.mark.skipif(not PLAIN, reason="needs a build without sanitizers (COOLANTD_PLAIN_BUILD)")
def test_valgrind_is_silent(start, broker, tmp_path, monkeypatch):
    monkeypatch.setattr(harness, "COOLANTD", pathlib.Path(PLAIN) / "daemon" / "coolantd")
    server = start(harness.ModbusServer, tmp_path, {"1": {"holding": registers(0, f32(118) + f32(100)) | {10: 0x4142, 11: 30, 12: 31, 13: 40}}})
    ini = (tcp_bus("b", server.port) + tcp_bus("gone", harness.free_port()) +
           device("d", "b", extra="[point:d.total]\nregister = holding:0\ntype = f32\nunit = kW\n"
                  "[point:d.it]\nregister = holding:2\ntype = f32\nunit = kW\n"
                  "[point:d.name]\nregister = holding:10\ntype = string\nlength = 1\npoll = once\n") +
           device("e", "gone", extra="[point:e.p]\nregister = holding:0\n") +
           "".join(f"[point:d.t{i}]\nregister = holding:{11 + i}\nunit = Cel\n" for i in range(3)) +
           "[loop:l]\ncoolant = eg30\nflow = d.flow\nsupply = median: d.t0, d.t1\nreturn = d.t2\npressure_drop = d.dp\n"
           "[point:d.flow]\nregister = holding:13\nunit = L/min\n[point:d.dp]\nregister = holding:13\nunit = kPa\n"
           "[pue:row]\nfacility = d.total\nit = d.it\n[alarm:a]\npoint = e.p\nwhen = stale\n")
    text = head(tmp_path, broker.port, "layout = both\n") + ini
    wrapper = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=definite,possible"]
    daemon = start(harness.Coolantd, tmp_path, text, wrapper=wrapper)
    subscriber = harness.Subscriber(broker.port)
    subscriber.wait("pue/row", lambda m: m.json["power_ratio"] == 1.18, timeout=60)
    subscriber.wait("point/d/name", timeout=60)
    subscriber.wait("alarm/a", lambda m: m.json["state"] == "active", timeout=60)
    daemon.reload(text + "[alarm:b]\npoint = d.it\nwhen = above\nlimit = 1\n")
    subscriber.wait("alarm/b", lambda m: m.json["state"] == "active", timeout=60)
    subscriber.wait("loop/l", lambda m: m.json["quality"]["heat"] == "good", timeout=60)
    assert harness.ask(tmp_path, "POST", "/v1/loops/l/learn")[0] == 200
    assert harness.ask(tmp_path, "POST", "/v1/alarms/b/ack")[0] == 200
    subscriber.close()
    daemon.path.write_text("[nonsense]\n")
    daemon.send(signal.SIGHUP)
    daemon.wait_line("not reloaded", timeout=60)
    broker.stop()
    daemon.wait_line("no connection to the broker", timeout=60)
    broker.start()
    again = harness.Subscriber(broker.port)
    again.wait("device/d", timeout=60)
    again.close()
    assert daemon.stop(timeout=60) == 0, daemon.text
    assert "==" not in daemon.text, daemon.text
