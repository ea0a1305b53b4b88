"""The simulator, cross-checked with a Modbus client that is not ours, and every shipped profile on it."""
import re

import pytest

import harness
from harness import PROFILES, ROOT, SIM, device, free_port, run, tcp_bus


def simulator(start, ini, *options):
    sim = start(harness.Process, [SIM, "-c", ini, *options], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    sim.wait_line("^ready$")
    return sim


def mbpoll(port, unit, address, type_, count=1):
    """Values of registers as mbpoll reads them."""
    r = run(["mbpoll", "-1", "-q", "-0", "-a", unit, "-r", address, "-t", type_, "-c", count, "-p", port, "127.0.0.1"])
    assert r.returncode == 0, r.stdout + r.stderr
    return [float(v.split()[0]) for v in re.findall(r"^\[\d+\]:\s+(.+)$", r.stdout, re.M)]


def row(tmp_path, broker_port):
    """The shipped example with the addresses of this machine, as the quickstart does it."""
    ini = tmp_path / "coolantd.ini"
    ini.write_text((ROOT / "config" / "coolantd.ini").read_text())
    (tmp_path / "coolantd.d").mkdir()
    ports = harness.free_ports(4)
    (tmp_path / "coolantd.d" / "50-local.ini").write_text(
        f"[daemon]\nstate_dir = {tmp_path}/state\n[mqtt]\nbroker = mqtt://127.0.0.1:{broker_port}\n"
        f"[bus:cdu]\nport = {tmp_path}/ttyCDU\n[bus:meters]\nport = {tmp_path}/ttyMETERS\n" +
        "".join(f"[bus:{b}]\nhost = 127.0.0.1\ntcp_port = {p}\n"
                for b, p in zip(("cdu2", "busway", "facility", "room"), ports)))
    return ini, ports


def run_row(start, tmp_path, broker, *options):
    ini, ports = row(tmp_path, broker.port)
    sim = simulator(start, ini, *options)
    daemon = start(harness.Process, [harness.COOLANTD, "-c", ini], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    return sim, daemon, ports


def test_what_is_published_is_what_mbpoll_reads(start, broker, subscriber, tmp_path):
    _, daemon, ports = run_row(start, tmp_path, broker)
    cdu = subscriber.wait("device/cdu2", lambda m: m.json["values"].get("flow_rate") is not None).json["values"]
    flow, supply = mbpoll(ports[0], 12, 36864, "4", 2)
    assert cdu["flow_rate"] == pytest.approx(flow / 10, abs=0.11)
    assert cdu["supply_temperature"] == pytest.approx(supply / 10, abs=0.31)
    outlet, inlet = mbpoll(ports[0], 12, 36867, "4", 2)
    assert cdu["differential_pressure"] == pytest.approx((outlet - inlet) / 10)
    pdu = subscriber.wait("device/pdu3", lambda m: "active_power" in m.json["values"]).json["values"]
    # mbpoll reads floats with the low word first unless told -B
    r = run(["mbpoll", "-1", "-q", "-0", "-B", "-a", 1, "-r", 0x0bf3, "-t", "4:float", "-p", ports[1], "127.0.0.1"])
    power = float(re.search(r"^\[\d+\]:\s+(\S+)", r.stdout, re.M)[1])
    assert pdu["active_power"] == pytest.approx(power, rel=0.1)
    high, low = mbpoll(ports[1], 1, 0x0c83 + 2, "4", 2)
    assert pdu["active_energy_import"] == pytest.approx((int(high) * 65536 + int(low)) / 1000, abs=0.2)
    assert "silent" not in daemon.text


def test_the_example_row(start, broker, subscriber, tmp_path):
    """Both kinds of bus, heat, PUE and alarms of the shipped example; commands to the plant."""
    sim, daemon, _ = run_row(start, tmp_path, broker, "--seed", "7")
    m = subscriber.wait("pue/row", lambda m: m.json["quality"] == "good").json
    assert 1.05 < m["power_ratio"] < 1.2
    for loop in ("secondary1", "secondary2"):
        heat = subscriber.wait(f"loop/{loop}", lambda m: m.json["values"]["heat"] is not None).json["values"]
        assert 30 < heat["heat"] < 60 and 5 < heat["delta_t"] < 9
    names = {d: set(subscriber.wait(f"device/{d}").json["values"]) for d in ("cdu1", "pdu1", "pdu4", "meter_main", "room")}
    assert {"flow_rate", "leak", "pump_speed"} <= names["cdu1"]

    sim.process.stdin.write("leak cdu1 on\nsilence pdu2\npump cdu2 40\nnonsense\n")
    sim.process.stdin.flush()
    subscriber.wait("alarm/leak1", lambda m: m.json["state"] == "active")
    subscriber.wait("device/cdu2", lambda m: m.json["values"].get("flow_rate") == 64)
    subscriber.wait("device/pdu2", lambda m: m.json["quality"].get("active_power") == "stale")
    m = subscriber.wait("pue/row", lambda m: m.json["power_ratio"] is None and "pdu2" in m.json.get("reason", ""))
    sim.wait_line("'nonsense': allowed: leak DEVICE")
    sim.process.stdin.write("silence pdu2 off\n")
    sim.process.stdin.flush()
    mark = len(subscriber.messages)
    subscriber.wait("pue/row", lambda m: m.json["quality"] == "good", after=mark, timeout=30)
    assert subscriber.last("alarm/leak2").json["state"] == "normal"


@pytest.mark.parametrize("profile", sorted(p.stem for p in PROFILES.glob("*.ini")))
def test_every_shipped_profile_is_served_and_read(start, coolantd, subscriber, tmp_path, profile):
    port = free_port()
    ini = tcp_bus("b", port) + device("d", "b", 3, profile)
    daemon_ini = harness.head(tmp_path, 1) + ini
    (tmp_path / "sim.ini").write_text(daemon_ini)
    simulator(start, tmp_path / "sim.ini")
    coolantd(ini)
    names = set(re.findall(r"^\[point:(.+)\]", (PROFILES / f"{profile}.ini").read_text(), re.M))
    seen = {}

    def all_seen():
        for m in subscriber.of("device/d") + subscriber.of("history/device/d"):
            seen.update(m.json["values"])
            assert not m.json["quality"], m.text
        return set(seen) == names
    harness.wait_for(all_seen, lambda: f"missing: {names - set(seen)}")
    info = subscriber.wait("info/d").json
    assert info["vendor"] and info["model"]
    assert all(v is not None for v in seen.values())


def test_the_same_seed_gives_the_same_plant(start, tmp_path):
    values = []
    for _ in range(2):
        port = free_port()
        (tmp_path / "sim.ini").write_text(harness.head(tmp_path, 1) + tcp_bus("b", port) +
                                          device("d", "b", 3, "eastron-sdm630"))
        sim = simulator(start, tmp_path / "sim.ini", "--seed", "3", "--speed", "0.000001")
        values.append(mbpoll(port, 3, 0x34, "3", 2))
        sim.stop()
    assert values[0][0] == values[1][0]


def test_time_can_run_faster(start, tmp_path):
    port = free_port()
    (tmp_path / "sim.ini").write_text(harness.head(tmp_path, 1) + tcp_bus("b", port) + device("d", "b", 3, "schneider-iem3000"))
    simulator(start, tmp_path / "sim.ini", "--speed", "3600")

    def energy():
        high, low = mbpoll(port, 3, 0x0c85, "4", 2)
        return int(high) * 65536 + int(low)  # Wh
    first = energy()
    harness.wait_for(lambda: energy() > first + 10000, "10 kWh: 24 minutes of the plant at about 25 kW")


def test_clear_errors(start, tmp_path):
    assert run([SIM, "--speed", "x"]).returncode == 2
    assert run([SIM, "-c", "/no/such.ini"]).returncode == 78
    (tmp_path / "sim.ini").write_text(harness.head(tmp_path, 1) + "[bus:b]\ntype = tcp\nhost = 192.0.2.1\n" +
                                      device("d", "b", 3, "generic-flow"))
    r = run([SIM, "-c", tmp_path / "sim.ini"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    assert r.returncode == 1
    assert "[bus:b] cannot listen on 192.0.2.1 port 502" in r.stderr
