"""coolantctl read and scan, on devices of a Modbus server that is not ours."""
import json
import signal
import struct

import harness
import schemas
from harness import COOLANTCTL, COOLANTD, PROFILES, SIM, device, run, tcp_bus
from wire import Wire

FLOW = struct.unpack("<HH", struct.pack("<f", 1.85))  # the low word first: CDAB
CDU = {"holding": {100: 225, 101: 301}, "input": {10: FLOW[0], 11: FLOW[1]}, "discrete": {5: 1, 6: 0}}
METER = {"holding": {0: 7, 50: 0x1234}}
PROFILE = """[profile]
vendor = Acme
model = M1
identify = holding:50 0x1234
[point:power]
register = holding:0
"""


def ctl(*args, profiles=PROFILES):
    return run([COOLANTCTL, *args], env={"COOLANTD_PROFILE_PATH": f"{profiles}:{PROFILES}"})


def good(*args, **options):
    r = ctl(*args, **options)
    assert r.returncode == 0 and r.stderr == "", r
    return r.stdout


def answer(command, *args, **options):
    """What a command prints as JSON, which is as its schema says."""
    found = json.loads(good("--json", command, *args, **options))
    schemas.load(f"ctl-{command}", schemas.closed).validate(found)
    return found


def test_a_devices_order_is_found(start, tmp_path):
    url = f"tcp://127.0.0.1:{start(harness.ModbusServer, tmp_path, {1: CDU}).port}"
    text = good("read", url, 1, "input:10", 2)
    assert "unit 1, input:10..11, answered in" in text and "0xcccd" in text
    assert "register = input:10, type = f32, word_order = little, byte_order = big: 1.85" in text
    assert text.count("register = ") == 1  # the right one alone
    assert all(len(line) <= 80 for line in text.splitlines())
    found = answer("read", url, "0x1", "input:0xa", "2")
    assert (found["unit"], found["table"], found["address"], found["words"]) == (1, "input", 10, list(FLOW))
    f32 = next(d for d in found["decoded"] if d["type"] == "f32")
    assert f32["values"]["CDAB"] == 1.85 and f32["plausible"] == ["CDAB"] and f32["registers"] == 2
    assert [d["values"] for d in found["decoded"] if d["type"] == "bcd" and d["registers"] == 2] == [
        {"ABCD": None, "CDAB": None, "BADC": None, "DCBA": None}]
    assert "     100  0x00e1    225*    225" in good("read", url, "1", "holding:100")
    assert answer("read", url, 1, "discrete:5", 2)["words"] == [1, 0]
    assert good("read", url, "1", "discrete:5", "2").endswith("       5  1 0\n")


def test_what_cannot_be_read_is_said_with_the_next_step(start, tmp_path):
    server = start(harness.ModbusServer, tmp_path, {1: CDU})
    url = f"tcp://127.0.0.1:{server.port}"
    for args, code, said in [
            ((url, 1, "holding:40101"), 2, "write holding:100 "),
            ((url, 1, "holding:100", 126), 2, "allowed: 1 to 125"),
            ((url, 1, "discrete:5", 2001), 2, "allowed: 1 to 2000"),
            ((url, 1, "holding:65535", 2), 2, "allowed: 1 to 1"),
            ((url, 256, "holding:0"), 2, "allowed: 0 to 255"),
            ((url, 1), 2, "Usage: coolantctl read BUS-OR-URL UNIT TYPE:ADDR [COUNT]"),
            ((f"127.0.0.1:{server.port}", 1, "holding:0"), 2, f"a host is written tcp://127.0.0.1:{server.port}"),
            ((url, 1, "holding:1"), 1, "refused with exception 2 (illegal data address)"),
            ((url + "?response_timeout=100ms", 2, "holding:1"), 1, "no answer within 100ms; is that its unit id?"),
            (("tcp://127.0.0.1:1", 1, "holding:0"), 1, "cannot connect to 127.0.0.1 port 1: Connection refused"),
            ((f"rtu://{tmp_path}/tty", 1, "holding:0"), 1, f"cannot open {tmp_path}/tty: No such file"),
            (("-c", "/no/such.ini", "cdu", 1, "holding:0"), 78, "/no/such.ini"),
    ]:
        r = ctl("read", *args)
        assert r.returncode == code and said in r.stderr and r.stdout == "", (args, r)


def test_a_scan_is_a_configuration(start, tmp_path):
    profiles = tmp_path / "profiles"
    profiles.mkdir()
    (profiles / "acme-m1.ini").write_text(PROFILE)
    server = start(harness.ModbusServer, tmp_path, {1: METER, 3: CDU}, identity=["Schneider Electric", "iEM3155", "V1.2"])
    url = f"tcp://127.0.0.1:{server.port}?response_timeout=100ms"
    text = good("scan", url, "--units", "1-4", profiles=profiles)
    assert "[device:acme-m1-1]\nbus = field\nunit = 1\nprofile = acme-m1  ; Acme M1\n" in text
    assert "[device:unit3]\nbus = field\nunit = 3\n" in text and "[point:unit3.holding_100]" in text
    assert "says it is Schneider Electric iEM3155, revision V1.2" in text
    assert "profiles of that vendor, none of which is told by registers: schneider-iem3000" in text
    (tmp_path / "c.ini").write_text("[daemon]\nsite = a\nrack = b\n" + text)
    r = run([COOLANTD, "-c", tmp_path / "c.ini", "--check"], env={"COOLANTD_PROFILE_PATH": f"{profiles}:{PROFILES}"})
    assert r.returncode == 0, r.stderr
    # what is configured already is told by its name; only reads were asked
    r = ctl("-c", tmp_path / "c.ini", "scan", "field", "--units", "1-2", profiles=profiles)
    assert r.returncode == 0 and r.stdout == "; unit 1 is [device:acme-m1-1]\n\n"
    found = answer("scan", url, "--units", "1,3-4", profiles=profiles)
    assert [(u["unit"], u["profile"], u["product"]) for u in found["units"]] == [(1, "acme-m1", "iEM3155"), (3, None, "iEM3155")]
    assert found["asked"] == 3 and found["complete"]


def test_a_line_is_searched(start, tmp_path):
    """On a pty, every baud rate and parity is the right one: what is found at the first is found again at each."""
    line = start(harness.SerialLine, tmp_path)
    start(harness.ModbusServer, tmp_path, {2: METER}, serial=str(line.b), identity=["Acme", "M1", "V2"])
    url = f"rtu://{line.a}?response_timeout=100ms"
    found = answer("scan", url, "--units", "1-2", "--baud", "9600,19200", "--parity", "even,odd")
    assert [(u["unit"], u["baud"], u["parity"]) for u in found["units"]] == [
        (2, b, p) for b in (9600, 19200) for p in ("even", "odd")]
    assert [(u["vendor"], u["product"], u["revision"]) for u in found["units"]] == 4 * [("Acme", "M1", "V2")]
    text = good("scan", url + "&parity=none", "--units", "2")
    assert f"[bus:field]\ntype = rtu\nport = {line.a}\nbaud = 19200\nparity = none\nstop_bits = 1\n" in text
    assert "[device:unit2]" in text
    for args, said in [((url, "--units", "0-5"), "0 is its broadcast address"), ((url, "--units", "x"), "allowed: units 0 to 255"),
                       ((url, "--baud", "9601"), "allowed: all, or a list"), ((url, "--parity", "mark"), "allowed: all, or a list"),
                       (("tcp://127.0.0.1", "--baud", "9600"), "for a serial port"), ((), "Usage: coolantctl scan")]:
        r = ctl("scan", *args)
        assert r.returncode == 2 and said in r.stderr, (args, r)
    r = ctl("scan", url, "--units", "1")
    assert r.returncode == 1 and "no unit of 1 answers" in r.stderr and r.stdout == ""


def test_a_device_has_the_registers_of_a_shipped_profile(start, tmp_path):
    """That is a hint and no more."""
    port = harness.free_port()
    (tmp_path / "sim.ini").write_text("[daemon]\nsite = a\nrack = b\n" + tcp_bus("b", port) + device("m", "b", 1, "schneider-iem3000"))
    start(harness.Process, [SIM, "-c", tmp_path / "sim.ini"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)}).wait_line("^ready$")
    text = good("scan", f"tcp://127.0.0.1:{port}", "--units", "1-2")
    assert "; it has the registers of these profiles, with values that could be readings: schneider-iem3000\n" in text


def test_a_scan_ends_well_when_it_is_interrupted(start):
    line = start(Wire, "tcp", lambda r: [r.right()] if r.unit == 1 else [])
    scan = start(harness.Process, [COOLANTCTL, "scan", f"tcp://127.0.0.1:{line.place}"])
    harness.wait_for(lambda: any(r.unit == 2 for r in line.requests), "unit 1 was found")
    assert scan.stop(signal.SIGINT) == 1
    assert "interrupted: not all units of 1-32 were asked" in scan.text and "[device:unit1]" in scan.text


def test_a_bus_is_asked_through_coolantd(start, coolantd, subscriber, tmp_path):
    """Its port is coolantd's; the configuration tells where it listens."""
    line = start(harness.SerialLine, tmp_path)
    start(harness.ModbusServer, tmp_path, {2: METER, 5: CDU}, serial=str(line.b))
    daemon = coolantd(f"[bus:field]\ntype = rtu\nport = {line.a}\nparity = none\nresponse_timeout = 100ms\n" +
                      device("m", "field", 2, extra="poll_interval = 200ms\n[point:m.power]\nregister = holding:0\n"))
    subscriber.wait("device/m", lambda m: m.json["values"] == {"power": 7})
    config = ("-c", daemon.path)
    found = answer("read", "field", 5, "input:10", 2, *config)
    assert found["bus"] == "field" and found["words"] == list(FLOW) and 0 < found["latency_ms"] < 100
    r = ctl(*config, "read", "field", 5, "input:9")
    assert r.returncode == 1 and "unit 5, input:9: refused with exception 2" in r.stderr
    r = ctl(*config, "read", "field", 9, "input:9")
    assert r.returncode == 1 and "through coolantd: no reply within the response_timeout" in r.stderr
    r = ctl("read", f"rtu://{line.a}?parity=none", 5, "input:10")
    assert r.returncode == 1 and "is in use by another program" in r.stderr
    text = good("--socket", tmp_path / "http", *config, "scan", "field", "--units", "2,5")
    assert "; unit 2 is [device:m]\n" in text and "[device:unit5]\nbus = field\nunit = 5\n" in text
    r = ctl(*config, "scan", "field", "--baud", "9600")
    assert r.returncode == 2 and "stop it to try others" in r.stderr
    r = ctl(*config, "read", "fields", 5, "input:10")
    assert r.returncode == 2 and "no bus 'fields' in" in r.stderr and "there are: field" in r.stderr
    # what it says is captured
    path = tmp_path / "said.txt"
    good(*config, "capture", "field", path, "--for", "1s")
    lines = path.read_text().splitlines()
    assert lines[:2] == ["# coolantd capture 1", "# bus field: rtu, 19200 baud, no parity"]
    assert len([l for l in lines if " > 0203" in l]) >= 3 and len([l for l in lines if " < 0203020007" in l]) >= 3


def test_a_capture_is_a_device(start, tmp_path):
    """While no coolantd runs, the devices of the configuration are asked as it asks them; the file is served again."""
    server = start(harness.ModbusServer, tmp_path, {2: METER, 5: CDU})
    port = harness.free_port()
    ini = "[daemon]\nsite = a\nrack = b\nhttp_socket = /no/such\n" + tcp_bus("field", server.port) + device(
        "m", "field", 2, extra="poll_interval = 100ms\n[point:m.power]\nregister = holding:0\n[point:m.wide]\nregister = holding:40\n")
    (tmp_path / "c.ini").write_text(ini)
    capture = start(harness.Process, [COOLANTCTL, "-c", tmp_path / "c.ini", "capture", f"tcp://127.0.0.1:{server.port}", tmp_path / "said.txt"])
    harness.wait_for(lambda: len(server.replies()) > 4, "some polls")
    assert capture.stop(signal.SIGINT) == 0, capture.text
    server.stop()
    start(harness.Process, [SIM, "--play", tmp_path / "said.txt", "--listen", f"tcp://127.0.0.1:{port}"]).wait_line("^ready$")
    assert answer("read", f"tcp://127.0.0.1:{port}", 2, "holding:0")["words"] == [7]
    r = ctl("read", f"tcp://127.0.0.1:{port}", 2, "holding:40")
    assert "exception 2" in r.stderr
    for args, code, said in [(("capture", "tcp://127.0.0.1:1", tmp_path / "x"), 78, "no device of it is on tcp://127.0.0.1:1"),
                             (("capture", "field", "/no/such/file"), 1, "/no/such/file: No such file"),
                             (("capture", "field", tmp_path / "x", "--for", "1"), 2, "--for 1 is no time")]:
        r = ctl("-c", tmp_path / "c.ini", *args)
        assert r.returncode == code and said in r.stderr, r


def test_a_gateway_that_takes_its_time_is_waited_for(start, tmp_path):
    """It asks one unit after the other and gives each up later than we do; and what is no reply is said."""
    def script(request):
        if request.unit == 5:
            return [request.words([1, 2, 3])]  # not what was asked for
        return [request.right()] if request.unit == 4 else [0.25, request.exception(11)]
    gateway = start(Wire, "tcp", script)
    r = ctl("--json", "scan", f"tcp://127.0.0.1:{gateway.place}?response_timeout=100ms", "--units", "1-5")
    assert [(u["unit"], u["present"]) for u in json.loads(r.stdout)["units"]] == [(4, True), (5, False)]
    assert r.returncode == 0 and "asked for unit 5, what comes is no Modbus reply" in r.stderr
    every = start(Wire, "tcp")  # one device that does not look at the unit id
    text = good("scan", f"tcp://127.0.0.1:{every.place}?response_timeout=100ms", "--units", "1-8")
    assert text.count("[device:") == 1 and "one device that does not look at the unit" in text
    assert {r.function for r in gateway.requests + every.requests} <= {1, 2, 3, 4, 0x2b}  # nothing was ever written
