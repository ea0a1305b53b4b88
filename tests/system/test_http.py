"""What can be looked at, on the Unix socket and over TCP, and that nobody can keep others from it."""
import contextlib
import http.client
import json
import socket
import threading
import time

import harness
import pytest
from harness import device, head, tcp_bus

POINTS = ("poll_interval = 200ms\n[point:d.leak]\nregister = coil:0\n[point:d.flow]\nregister = holding:0\nunit = L/min\n"
          "[point:d.t]\nregister = holding:1\nunit = Cel\nscale = 0.1\n[point:d.kw]\nregister = holding:2\nunit = kW\n"
          "[point:d.none]\nregister = holding:7777\nunit = Cel\n[point:d.mode]\nregister = holding:3\nenum = 1:off, 2:on\n"
          "[point:d.r]\nregister = holding:4\nunit = Cel\nscale = 0.1\n[point:d.it]\nregister = holding:5\nunit = kW\n"
          "[loop:l]\ncoolant = water\nflow = d.flow\nsupply = d.t\nreturn = d.r\n"
          "[group:g]\nloops = l\nneeded = 1\n"
          "[pue:p]\nfacility = d.kw\nit = d.it\nwindows = 1m\n"
          "[alarm:hot]\npoint = d.t\nwhen = above\nlimit = 90\nmessage = see http://me:secret@wiki/hot\n")


@pytest.fixture
def server(start, tmp_path):
    return start(harness.ModbusServer, tmp_path, {"1": {"coil": {0: 1}, "holding": {0: 100, 1: 305, 2: 120, 3: 2, 4: 305, 5: 120}}})


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


@pytest.mark.parametrize("method, path, allowed", [("POST", "/v1/points", "GET, HEAD"), ("GET", "/v1/alarms/hot/ack", "POST")])
def test_a_wrong_method_is_told_the_right_ones(daemon, tmp_path, method, path, allowed):
    connection = harness.Unix(tmp_path)
    connection.request(method, path)
    reply = connection.getresponse()
    assert reply.status == 405 and reply.getheader("Allow") == allowed
    connection.close()


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
    assert status["devices"] == {"configured": 1, "up": 1} and status["points"]["configured"] == 8
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


def test_an_answer_from_before_a_reload_is_of_no_use(daemon, tmp_path):
    text = daemon.path.read_text()
    for i in range(1, 4):
        before = get(tmp_path, "/v1/config")["sections"]["bus:b"]["retries"]
        daemon.reload(text.replace("type = tcp\n", f"type = tcp\nretries = {i + 1}\n"))
        assert before == str(i) and get(tmp_path, "/v1/config")["sections"]["bus:b"]["retries"] == str(i + 1)


def over_tcp(address, port, method="GET", path="/healthz", headers=None):
    """(status, JSON)."""
    with contextlib.closing(http.client.HTTPConnection(address, port, timeout=harness.PATIENCE)) as connection:
        connection.request(method, path, headers=headers or {})
        reply = connection.getresponse()
        text = reply.read()
        return reply.status, json.loads(text) if text.startswith(b"{") else text.decode()


def open_daemon(coolantd_class, start, folder, broker, listen):
    ini = head(folder, broker.port).replace("[spool]", f"http_listen = {listen}\n[spool]")
    return start(coolantd_class, folder, ini)


@pytest.mark.parametrize("address, written", [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_over_tcp_one_may_look(start, broker, tmp_path, address, written):
    port = harness.free_port()
    open_daemon(harness.Coolantd, start, tmp_path, broker, f"{written}:{port}")
    assert over_tcp(address, port) == (200, {"healthy": True})
    assert over_tcp(address, port, path="/v1/status")[1]["info"]["site"] == "dc1"
    assert over_tcp(address, port, path="/metrics")[1].endswith("# EOF\n")
    assert over_tcp(address, port, "HEAD") == (200, "")
    # what changes something is for the Unix socket, whatever the path
    for method, path in (("POST", "/v1/alarms/coolantd-spool/ack"), ("POST", "/healthz"), ("PUT", "/x"), ("OPTIONS", "/v1/alarms")):
        status, answer = over_tcp(address, port, method, path)
        assert status == 403 and "only GET here" in answer["error"]


@pytest.mark.parametrize("host, status", [
    ("localhost", 200), ("localhost:1", 200), ("10.1.2.3:9109", 200), ("[fe80::1]", 200),
    ("evil.example", 403), ("evil.example:9109", 403), ("localhost.evil.example", 403), ("127.0.0.1.nip.example", 403), ("", 403),
])
def test_a_name_that_is_not_ours_is_refused(start, broker, tmp_path, host, status):
    """A page of evil.example that lets its name point here reads nothing."""
    port = harness.free_port()
    open_daemon(harness.Coolantd, start, tmp_path, broker, f"127.0.0.1:{port}")
    got, answer = over_tcp("127.0.0.1", port, headers={"Host": host})
    assert got == status and (status == 200 or "not under this name" in answer["error"])


def test_the_address_follows_a_reload(start, broker, tmp_path):
    first, second = harness.free_ports(2)
    daemon = open_daemon(harness.Coolantd, start, tmp_path, broker, "")
    text = daemon.path.read_text()
    daemon.reload(text.replace("http_listen = ", f"http_listen = 127.0.0.1:{first}"))
    assert over_tcp("127.0.0.1", first)[0] == 200
    daemon.reload(text.replace("http_listen = ", f"http_listen = 127.0.0.1:{second}"))
    assert over_tcp("127.0.0.1", second)[0] == 200 and not harness.is_listening(first)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        daemon.reload(text.replace("http_listen = ", f"http_listen = 127.0.0.1:{port}"))
        daemon.wait_line(f"no requests at 127.0.0.1:{port}: another process listens there")
    # the port is free now: it is tried again, without a reload, and was said once
    daemon.wait_line(f"requests are taken at 127.0.0.1:{port} now")
    assert over_tcp("127.0.0.1", port)[0] == 200 and daemon.text.count("another process listens there") == 1
    daemon.reload(text)
    assert not harness.is_listening(second) and get(tmp_path, "/healthz")["healthy"] is True




@pytest.mark.parametrize("size, status", [(4097, 413), (100_000, 413), (5_000_000, 413), (4096, 400)])
def test_a_body_that_is_too_long_gets_an_answer(daemon, tmp_path, size, status):
    connection = harness.Unix(tmp_path)
    connection.putrequest("POST", "/v1/alarms/hot/shelve")
    connection.putheader("Content-Length", str(size))
    connection.endheaders()
    with contextlib.suppress(BrokenPipeError):  # what nobody reads
        connection.send(size * b" ")
    reply = connection.getresponse()
    answer = json.loads(reply.read())
    assert reply.status == status and (status == 400 or answer == {"error": "the body is too long (allowed: 4096 bytes)"})
    connection.close()


def test_a_body_without_an_end_is_cut(daemon, tmp_path):
    connection = harness.Unix(tmp_path)
    connection.putrequest("POST", "/v1/alarms/hot/shelve")
    connection.putheader("Transfer-Encoding", "chunked")
    connection.endheaders()
    with pytest.raises(OSError):
        for _ in range(1000):
            connection.send(b"10000\r\n" + 0x10000 * b" " + b"\r\n")
    assert get(tmp_path, "/healthz")["healthy"] is True


class Drippers:
    """Clients that send a header which never ends, a byte now and then, and come back when they are thrown out."""

    def __init__(self, folder, count):
        self.path, self.sockets = f"{folder}/http", [self._open(f"{folder}/http") for _ in range(count)]
        self.thrown_out = 0

    @staticmethod
    def _open(path):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(1)
        with contextlib.suppress(OSError):
            s.connect(path)
            s.sendall(b"POST /v1/alarms/x/ack HTTP/1.1\r\nX: ")
        return s

    def drip(self):
        for i, s in enumerate(self.sockets):
            try:
                s.sendall(b"y")
            except OSError:
                s.close()
                self.thrown_out += 1
                self.sockets[i] = self._open(self.path)

    def close(self):
        for s in self.sockets:
            s.close()


def test_clients_that_drip_lock_out_nobody(daemon, tmp_path):
    drippers = Drippers(tmp_path, 100)
    with contextlib.closing(drippers):
        slowest = 0
        for i in range(20):
            drippers.drip()
            before = time.monotonic()
            assert harness.ask(tmp_path, "POST", "/v1/alarms/hot/ack")[0] == 409
            slowest = max(slowest, time.monotonic() - before)
        assert slowest < 2, slowest
        # and none of them drips for ever, though there is a place for each
        drippers.close()
        few = drippers.sockets = [drippers._open(drippers.path) for _ in range(10)]
        before, drippers.thrown_out = time.monotonic(), 0

        def all_thrown_out():
            drippers.drip()
            return drippers.thrown_out >= len(few)
        harness.wait_for(all_thrown_out, "their end", timeout=25)
        assert time.monotonic() - before > 8


def test_many_who_ask_for_much_do_not_stop_the_control_loop(start, broker, tmp_path):
    """50 clients without a pause, each with a pattern of its own, on 4000 points."""
    units, points, clients = 40, 100, 50
    server = start(harness.ModbusServer, tmp_path, {str(u): {"holding": dict.fromkeys(range(points), 1)} for u in range(1, units + 1)})
    ini = head(tmp_path, broker.port).replace("[spool]", "control_interval = 100ms\n[spool]") + tcp_bus("b", server.port)
    for u in range(1, units + 1):
        ini += device(f"d{u}", "b", u, extra="".join(f"[point:d{u}.p{i}]\nregister = holding:{i}\n" for i in range(points)))
    start(harness.Coolantd, tmp_path, ini)
    end, answers = time.monotonic() + 8, []

    def client(k):
        while time.monotonic() < end:
            answers.append(len(get(tmp_path, "/v1/points?match=*" + k * "*")["points"]))
    threads = [threading.Thread(target=client, args=(k,)) for k in range(clients)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(answers) >= clients and set(answers) == {units * points}
    assert get(tmp_path, "/v1/status")["loop_lag_ms"] < 1000  # tens on a machine that is free; for ever if it did
