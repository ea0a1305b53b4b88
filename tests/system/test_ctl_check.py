"""coolantctl check: what a configuration comes to, as the service's user would find it."""
import json
import os
import pathlib
import shutil
import tempfile

import pytest
import schemas
from harness import COOLANTCTL, PROFILES, ROOT, run

HEAD = "[daemon]\nsite = dc1\nrack = r07\n"


@pytest.fixture
def folder():
    """That anybody can look into, unlike tmp_path."""
    path = pathlib.Path(tempfile.mkdtemp())
    path.chmod(0o755)
    shutil.copytree(PROFILES, path / "shipped")
    (path / "site").mkdir()
    yield path
    shutil.rmtree(path)


def check(folder, *args, ini=None):
    if ini is not None:
        (folder / "coolantd.ini").write_text(ini)
    return run([COOLANTCTL, "check", folder / "coolantd.ini", *args], env={"COOLANTD_PROFILE_PATH": f"{folder}/site:{folder}/shipped", "PATH": os.environ["PATH"]})


def test_what_is_read_and_comes_of_it(folder):
    shutil.copy(folder / "shipped" / "generic-flow.ini", folder / "site" / "unused.ini")
    shutil.copy(folder / "shipped" / "orv3-rpu.ini", folder / "site" / "orv3-rpu.ini")
    (folder / "coolantd.d").mkdir()
    (folder / "coolantd.d" / "50-site.ini").write_text("[mqtt]\nqos = 0\n")
    r = check(folder, ini=(ROOT / "config" / "coolantd.ini").read_text())
    assert r.returncode == 0, r
    for what in ("coolantd.ini\n", "50-site.ini\n", "site/orv3-rpu.ini\n", "bus cdu: ", "% of the line at 19200 baud", "good: 6 buses, 8 devices"):
        assert what in r.stdout, r.stdout
    assert "unused.ini: no device uses this profile" in r.stderr and "generic-flow.ini: no device" not in r.stderr
    assert "site/orv3-rpu.ini replaces " in r.stderr and "[bus:cdu] port: /dev/ttyUSB0: No such file" in r.stderr
    told = json.loads(check(folder, "--json").stdout)
    schemas.load("ctl-check", schemas.closed).validate(told)
    assert told["good"] and set(told["buses"]) == {"cdu", "meters"} and len(told["files"]) == 7


def test_mistakes_are_told_with_their_lines(folder):
    r = check(folder, ini="[daemon]\nsite = dc1\n[mqtt]\nqos = 3\n[muqtt]\n")
    assert r.returncode == 78 and r.stdout == "" and f"coolantctl: {folder}/coolantd.ini:4: [mqtt] qos: " in r.stderr and "did you mean" in r.stderr
    told = json.loads(check(folder, "--json").stdout)
    schemas.load("ctl-check", schemas.closed).validate(told)
    assert not told["good"] and len([f for f in told["findings"] if f["severity"] == "error"]) == 3
    r = run([COOLANTCTL, "check", "/no/such/file"])
    assert r.returncode == 78 and "/no/such/file: " in r.stderr
    r = run([COOLANTCTL, "check", folder / "coolantd.ini", "--user", "no-such-user"])
    assert r.returncode == 2 and "no user is named" in r.stderr


@pytest.mark.parametrize("key", ["password_file", "ca_file", "cert_file", "key_file"])
def test_a_file_that_is_missing_is_an_error(folder, key):
    extra = {"password_file": "username = u\n", "ca_file": "", "cert_file": "key_file = /dev/null\n", "key_file": "cert_file = /dev/null\n"}[key]
    r = check(folder, ini=HEAD + f"[mqtt]\nbroker = mqtts://h\n{key} = /no/such/file\n{extra}")
    assert r.returncode == 78 and f"coolantd.ini:6: [mqtt] {key}: " in r.stderr and "/no/such/file" in r.stderr and "bad: 1 errors" in r.stdout


@pytest.mark.skipif(os.getuid() != 0, reason="becomes the service's user")
def test_what_the_service_cannot_read_is_an_error(folder):
    (folder / "password").write_text("secret\n")
    (folder / "password").chmod(0o600)
    ini = HEAD + f"[mqtt]\nusername = u\npassword_file = {folder}/password\n"
    r = check(folder, ini=ini)
    assert r.returncode == 78 and "[mqtt] password_file: " in r.stderr and "may not be read" in r.stderr and "secret" not in r.stderr
    assert check(folder, "--user", "root").returncode == 0
    # a profile of the site that it cannot see would make way for another of that name
    (folder / "password").chmod(0o644)
    shutil.copy(folder / "shipped" / "orv3-rpu.ini", folder / "site" / "orv3-rpu.ini")
    (folder / "site" / "orv3-rpu.ini").chmod(0o600)
    r = check(folder, ini=ini + "[bus:b]\ntype = tcp\nhost = h\n[device:d]\nbus = b\nprofile = orv3-rpu\n")
    assert r.returncode == 78 and f"{folder}/site/orv3-rpu.ini: nobody cannot read it" in r.stderr, r
    # what it could not reach at all is read as whoever asks
    folder.chmod(0o700)
    assert check(folder).returncode == 0
