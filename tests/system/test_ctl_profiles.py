"""coolantctl profiles: what there is, and what lint says of one."""
import json

import pytest

import schemas
from harness import COOLANTCTL, PROFILES, run

GOOD = """[profile]
vendor = Acme
model = M1
source = manual 1.2
tested = yes
accuracy_class = 0.5
identify = holding:50 0x1234
[point:active_power]
register = holding:0
type = f32
unit = kW
description = of all phases
[point:active_energy_import]
register = holding:2
type = u32
unit = kWh
counter = yes
description = since it was built in
[point:pump_running]
register = holding:4
bit = 0
description = pump
[point:pump_fault]
register = holding:4
bit = 1
description = its fault
"""

# what is changed, and the finding: line of the file, severity and a piece of the text
FAULTS = [
    ("unit = kW\n", "", 8, "warning", "unit: missing"),
    ("unit = kW\n", "unit = kPa\n", 11, "warning", "'kPa' is none of what the name says"),
    ("counter = yes\n", "", 13, "warning", "counter: not yes"),
    ("accuracy_class = 0.5\n", "", 1, "warning", "accuracy_class: missing, though this is a meter"),
    ("source = manual 1.2\n", "", 1, "warning", "source: missing"),
    ("active_power", "power", 8, "warning", "in the vocabulary of Redfish is 'active_power'"),
    ("holding:2\n", "holding:1\n", 14, "warning", "shares registers with [point:active_power]"),
    ("bit = 1\n", "bit = 0\n", 24, "warning", "shares registers with [point:pump_running]"),
    ("tested = yes\n", "holes = holding:3\n", 14, "warning", "is in a hole"),
    ("identify = holding:50 0x1234\n", "", 1, "hint", "identify: missing"),
    ("tested = yes\n", "", 1, "hint", "tested: not said"),
    ("description = pump\n", "", 19, "hint", "description: missing"),
    ("type = f32", "type = f33", 10, "error", "type"),
    ("identify = holding:50", "identify = holding", 7, "error", "identify"),
]


def answer(kind, text):
    """JSON of a kind, which is as its schema says."""
    found = json.loads(text)
    schemas.load(f"ctl-{kind}", schemas.closed).validate(found)
    return found


def lint(path, *args):
    return run([COOLANTCTL, "profiles", "lint", path, *args])


def test_a_good_profile_has_no_findings(tmp_path):
    (tmp_path / "m1.ini").write_text(GOOD)
    r = lint(tmp_path / "m1.ini")
    assert (r.returncode, r.stdout, r.stderr) == (0, f"{tmp_path}/m1.ini: 0 errors, 0 warnings, 0 hints\n", "")


@pytest.mark.parametrize("old, new, line, severity, said", FAULTS)
def test_a_fault_is_found(tmp_path, old, new, line, severity, said):
    path = tmp_path / "m1.ini"
    path.write_text(GOOD.replace(old, new, 1))
    r = lint(path)
    found = [l for l in r.stdout.splitlines() if l.startswith(f"{path}:{line}: {severity}: ")]
    assert found and any(said in l for l in found), r.stdout
    assert r.returncode == {"error": 78, "warning": 1, "hint": 0}[severity]
    found = answer("lint", lint(path, "--json").stdout)
    assert any(f["line"] == line and f["severity"] == severity for f in found["findings"])
    assert found[severity + "s"] >= 1 and found["file"] == str(path)


def test_the_shipped_ones_are_clean():
    for path in sorted(PROFILES.glob("*.ini")):
        r = lint(path)
        assert ": error: " not in r.stdout, r.stdout
        if path.name != "orv3-rpu.ini":  # its source does not tell all units
            assert r.returncode == 0, r.stdout


def test_profiles_are_listed(tmp_path):
    (tmp_path / "m1.ini").write_text(GOOD)
    env = {"COOLANTD_PROFILE_PATH": f"{tmp_path}:{PROFILES}"}
    r = run([COOLANTCTL, "profiles"], env=env)
    assert r.returncode == 0 and r.stderr == ""
    rows = {l.split()[0]: l.split()[1:] for l in r.stdout.splitlines()[1:]}
    assert rows["m1"][:5] == ["yes", "yes", "4", "Acme", "M1"] and rows["schneider-iem3000"][:2] == ["no", "no"]
    found = answer("profiles", run([COOLANTCTL, "--json", "profiles"], env=env).stdout)
    assert {p["name"]: p["tested"] for p in found}["m1"] is True
    r = run([COOLANTCTL, "profiles", "m1"], env=env)
    assert "identify holding:50 0x1234" in r.stdout and "holding:2" in r.stdout
    assert answer("profiles", run([COOLANTCTL, "profiles", "m1", "--json"], env=env).stdout)["points"][1]["unit"] == "kWh"
    r = run([COOLANTCTL, "profiles", "m2"], env=env)
    assert r.returncode == 78 and "did you mean 'm1'?" in r.stderr
    assert run([COOLANTCTL, "profiles", "lint"], env=env).returncode == 2
    assert run([COOLANTCTL, "profiles", "lint", "/no/such.ini"], env=env).returncode == 78
