"""The command line, and what is said of configurations."""
import re

import pytest

import harness
from harness import COOLANTD, PROFILES, ROOT, run

HEAD = "[daemon]\nsite = dc1\nrack = r07\n"
BUS = "[bus:b]\ntype = tcp\nhost = 127.0.0.1\n"

# each with the lines on which an error must be found
BROKEN = {
    "no rack": ("[daemon]\nsite = dc1\n", [1]),
    "unknown keys": (HEAD + "[mqtt]\nbrokr = x\nqos = 1\nlayuot = both\n", [5, 7]),
    "unknown section": (HEAD + "[muqtt]\nx = 1\n", [4]),
    "out of range": (HEAD + "[mqtt]\nqos = 3\nkeep_alive = 0s\n", [5, 6]),
    "dangling bus": (HEAD + "[device:d]\nbus = nope\nunit = 1\nprofile = generic-flow\n", [5]),
    "dangling profile": (HEAD + BUS + "[device:d]\nbus = b\nunit = 1\nprofile = nope\n", [10]),
    "duplicate unit": (HEAD + BUS + "[device:d]\nbus = b\nprofile = generic-flow\n"
                       "[device:e]\nbus = b\nprofile = generic-flow\n", [10]),
    "duplicate key and section": (HEAD + BUS + "host = x\n[daemon]\n", [7, 8]),
    "bad references": (HEAD + BUS + "[device:d]\nbus = b\nprofile = generic-flow\n"
                       "[loop:l]\ncoolant = water\nflow = d.flow\nsupply = e.x\nreturn = d.return_temperature\n"
                       "[pue:p]\nit = d\n", [12, 13, 16]),
    "connections": (HEAD + "[mqtt]\ncert_file = c\nkey_file = k\n[sparkplug]\nprotocol = 4\nclient_id = coolantd-dc1-r07\n", [7, 8, 9]),
    "bad names and forms": (HEAD + "[bus:Bus]\ntype = tcp\nhost = x\n[bus]\nnonsense\n", [4, 7, 8]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_check_lists_every_error_with_its_line(tmp_path, name):
    text, lines = BROKEN[name]
    ini = tmp_path / "coolantd.ini"
    ini.write_text(text)
    r = run([COOLANTD, "-c", ini, "--check"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    assert r.returncode == 78
    found = [int(m[1]) for m in re.finditer(rf"^coolantd: {re.escape(str(ini))}:(\d+): \[.+\].*: .+", r.stderr, re.M)]
    plain = [int(m[1]) for m in re.finditer(rf"^coolantd: {re.escape(str(ini))}:(\d+): ", r.stderr, re.M)]
    for line in lines:
        assert line in plain, r.stderr
    assert found and r.stdout == ""


def test_check_of_a_missing_file():
    r = run([COOLANTD, "-c", "/no/such/file.ini", "--check"])
    assert r.returncode == 78
    assert r.stderr == "coolantd: /no/such/file.ini: cannot be read: No such file or directory\n"


def test_a_bad_configuration_does_not_start(tmp_path):
    ini = tmp_path / "coolantd.ini"
    ini.write_text("[daemon]\n")
    assert run([COOLANTD, "-c", ini]).returncode == 78


@pytest.mark.parametrize("option", ["--nonsense", "extra"])
def test_wrong_usage(option):
    r = run([COOLANTD, option])
    assert r.returncode == 2 and "--help" in r.stderr


def test_version_and_help():
    assert re.fullmatch(r"coolantd \d+\.\d+\.\d+\n", run([COOLANTD, "--version"]).stdout)
    r = run([COOLANTD, "--help"])
    assert r.returncode == 0 and "--check" in r.stdout


def test_the_example_configuration_is_good():
    r = run([COOLANTD, "-c", ROOT / "config" / "coolantd.ini", "--check"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    assert (r.returncode, r.stderr) == (0, "")
    assert "good: 6 buses, 8 devices" in r.stdout


def test_the_configuration_of_the_readme_is_good(tmp_path):
    blocks = re.findall(r"```ini\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert blocks
    for i, block in enumerate(blocks):
        ini = tmp_path / f"readme{i}.ini"
        ini.write_text(block)
        r = run([COOLANTD, "-c", ini, "--check"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
        assert (r.returncode, r.stderr) == (0, "")


@pytest.mark.parametrize("key, extra", [("password_file", "username = u\n"), ("ca_file", ""), ("cert_file", "key_file = /dev/null\n"),
                                        ("key_file", "cert_file = /dev/null\n")])
def test_a_file_that_is_not_there_is_named(start, tmp_path, key, extra):
    """At --check, and when it is needed."""
    ini = tmp_path / "coolantd.ini"
    scheme = "mqtt" if key == "password_file" else "mqtts"
    ini.write_text(f"[daemon]\nsite = s\nrack = r\nstate_dir = {tmp_path}/state\nhttp_socket = {tmp_path}/http\n"
                   f"[mqtt]\nbroker = {scheme}://127.0.0.1:9\n{extra}{key} = {tmp_path}/none\n[bus:b]\ntype = tcp\nhost = 127.0.0.1\n")
    r = run([COOLANTD, "-c", ini, "--check"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    assert r.returncode == 0 and f"[mqtt] {key}: {tmp_path}/none is not there\n" in r.stderr, r
    daemon = start(harness.Coolantd, tmp_path, ini.read_text())
    daemon.wait_line(f"{key} {tmp_path}/none is not there")


@pytest.mark.parametrize("text, fault", [("", "is empty"), ("secret\n", "is no PEM file"), (None, "is a folder")])
def test_a_file_that_cannot_be_used_is_named(tmp_path, text, fault):
    ca = tmp_path / "ca.pem"
    ca.mkdir() if text is None else ca.write_text(text)
    ini = tmp_path / "coolantd.ini"
    ini.write_text(HEAD + "[mqtt]\nbroker = mqtts://127.0.0.1\nca_file = ca.pem\n")
    r = run([COOLANTD, "-c", ini, "--check"])
    assert r.returncode == 0 and f"[mqtt] ca_file: {ca} {fault}" in r.stderr, r


def test_check_prints_the_load_of_serial_lines(tmp_path):
    ini = tmp_path / "coolantd.ini"
    line = "[bus:b]\ntype = rtu\nport = /dev/ttyS9\nbaud = {}\n[device:d]\nbus = b\nprofile = orv3-rpu\n"
    ini.write_text(HEAD + line.format(19200))
    r = run([COOLANTD, "-c", ini, "--check"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    assert r.returncode == 0 and r.stderr == ""
    assert re.search(r"^bus b: \d+\.\d requests a second take \d\d % of the line at 19200 baud$", r.stdout, re.M)
    ini.write_text(HEAD + line.format(1200))
    r = run([COOLANTD, "-c", ini, "--check"], env={"COOLANTD_PROFILE_PATH": str(PROFILES)})
    assert r.returncode == 0
    assert re.search(r"bus b: the intervals cannot be met: \d+ % of the line's time is asked for, they will be \d+\.\d times", r.stderr)


def test_one_at_a_time_on_a_state_dir(coolantd, tmp_path):
    first = coolantd("")
    second = harness.Process([COOLANTD, "-c", first.path])
    assert second.stop(0) == 1
    assert "is in use by another coolantd" in second.text
