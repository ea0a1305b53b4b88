"""What can be looked at on the Unix socket."""
import time

import harness
import pytest
from harness import device, head, tcp_bus

POINTS = ("poll_interval = 200ms\n[point:d.leak]\nregister = coil:0\n[point:d.flow]\nregister = holding:0\nunit = L/min\n"
          "[point:d.t]\nregister = holding:1\nunit = Cel\nscale = 0.1\n[point:d.kw]\nregister = holding:2\nunit = kW\n"
          "[point:d.none]\nregister = holding:7777\nunit = Cel\n[point:d.mode]\nregister = holding:3\nenum = 1:off, 2:on\n"
          "[loop:l]\ncoolant = water\nflow = d.flow\nsupply = d.t\nreturn = d.t\n"
          "[group:g]\nloops = l\nneeded = 1\n"
          "[pue:p]\nfacility = d.kw\nit = d.kw\nwindows = 1m\n"
          "[alarm:hot]\npoint = d.t\nwhen = above\nlimit = 90\nmessage = see http://me:secret@wiki/hot\n")


@pytest.fixture
def server(start, tmp_path):
    return start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1}, "holding": {0: 100, 1: 305, 2: 120, 3: 2}}})


@pytest.fixture
def daemon(server, coolantd, subscriber, tmp_path):
    d = coolantd(tcp_bus("b", server.port) + device("d", "b", extra=POINTS))
    harness.wait_for(lambda: get(tmp_path, "/v1/points")["points"]["d.flow"]["value"] == 100, "a reading")
    return d


def get(folder, path):
    status, answer = harness.ask(folder, "GET", path)
    assert status == 200, answer
    return answer


def test_points_are_told_with_value_time_unit_and_quality(daemon, tmp_path):
    answer = get(tmp_path, "/v1/points")
    points = answer["points"]
    now = time.time() * 1000
    assert abs(answer["ts"] - now) < 2000 and abs(points["d.flow"]["ts"] - now) < 5000
    del points["d.flow"]["ts"]
    assert points["d.flow"] == {"value": 100, "unit": "L/min", "quality": "good"}
    assert points["d.t"]["value"] == 30.5 and points["d.leak"]["value"] is True and points["d.mode"]["value"] == "on"
    harness.wait_for(lambda: get(tmp_path, "/v1/points")["points"]["d.none"]["quality"] == "bad", "a refused register")
    assert get(tmp_path, "/v1/points")["points"]["d.none"]["value"] is None


def test_a_point_that_was_never_read_has_no_time(coolantd, tmp_path):
    coolantd(tcp_bus("b", harness.free_port()) + device("d", "b", extra="[point:d.x]\nregister = holding:0\n"))
    point = get(tmp_path, "/v1/points")["points"]["d.x"]
    assert point["value"] is None and point["ts"] is None


@pytest.mark.parametrize("query, names", [
    ("?match=d.f*", {"d.flow"}), ("?match=*.%3Fw", {"d.kw"}), ("?match=d%2e*w", {"d.flow", "d.kw"}), ("?match=nothing", set()), ("?match=", set()),
])
def test_points_are_chosen_by_a_pattern(daemon, tmp_path, query, names):
    assert set(get(tmp_path, "/v1/points" + query)["points"]) == names


@pytest.mark.parametrize("path", ["/v1/points?mtach=*", "/v1/points?match=a&x=1", "/v1/loops?match=l", "/healthz?x"])
def test_a_parameter_that_is_not_known_is_refused(daemon, tmp_path, path):
    status, answer = harness.ask(tmp_path, "GET", path)
    assert status == 400 and "no such parameter" in answer["error"]


def test_figures_are_as_at_the_broker(daemon, subscriber, tmp_path):
    subscriber.wait("loop/l", lambda m: m.json["values"]["flow"] == 100)
    loop, told = get(tmp_path, "/v1/loops")["loops"]["l"], subscriber.last("loop/l").json
    assert loop["values"].keys() == told["values"].keys() and loop["values"]["flow"] == 100
    group = get(tmp_path, "/v1/groups")["groups"]["g"]
    assert group["values"].keys() == subscriber.wait("group/g").json["values"].keys()
    pue = get(tmp_path, "/v1/pue")["pues"]["p"]
    assert pue.keys() - {"reason"} == subscriber.wait("pue/p").json.keys() - {"reason"} and "1m" in pue["windows"]
    health = subscriber.wait("health").json
    bus = get(tmp_path, "/v1/buses")["buses"]["b"]
    assert bus.keys() == health["buses"]["b"].keys() and bus["connected"] is True and bus["devices"]["d"]["up"] is True


def test_status_says_what_it_is_and_how_it_does(daemon, subscriber, tmp_path):
    subscriber.wait("health")
    status = get(tmp_path, "/v1/status")
    assert status["healthy"] is True and status["info"]["site"] == "dc1" and status["info"]["devices"] == ["d"]
    assert status["devices"] == {"configured": 1, "up": 1} and status["points"]["configured"] == 6
    assert status["publisher"]["connected"] is True and status["spool"]["problem"] is None
    assert status["alarms"]["active"] >= 1 and sum(status["alarms"].values()) == len(status["info"]["alarms"])
    assert get(tmp_path, "/healthz") == {"healthy": True}
    assert abs(status["info"]["start_time"] - 1000 * time.time()) < 60000


def test_the_configuration_is_told_whole_and_without_secrets(server, broker, start, tmp_path):
    (tmp_path / "password").write_text("hush")
    ini = head(tmp_path, broker.port, "username = me\npassword_file = password\n") + tcp_bus("b", server.port) + device("d", "b", extra=POINTS)
    drop_ins = tmp_path / "coolantd.d"
    drop_ins.mkdir()
    (drop_ins / "a.ini").write_text("[bus:b]\nretries = 3\n")
    start(harness.Coolantd, tmp_path, ini)
    sections = get(tmp_path, "/v1/config")["sections"]
    assert sections["bus:b"]["retries"] == "3" and sections["bus:b"]["response_timeout"] == "500ms"
    assert sections["daemon"]["state_dir"] == f"{tmp_path}/state" and sections["daemon"]["control_interval"] == "1s"
    assert sections["mqtt"]["client_id"] == "coolantd-dc1-r07" and sections["mqtt"]["password_file"] == "password"
    assert sections["spool"]["max_age"] == "7d"
    assert sections["point:d.t"] == {"register": "holding:1", "unit": "Cel", "scale": "0.1"}
    assert sections["alarm:hot"]["message"] == "see http://wiki/hot"
    assert "hush" not in str(sections) and "secret" not in str(sections)
