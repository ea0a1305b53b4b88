"""The manual knows what the program knows."""
import re
import subprocess

from harness import BUILD, COOLANTD, ROOT, SIM, run


def rendered(path):
    r = subprocess.run(["man", "--warnings", "-l", str(path)], capture_output=True, text=True, check=True,
                       env={"PATH": "/usr/bin:/bin", "MANWIDTH": "100", "LC_ALL": "C.UTF-8", "MANPAGER": "cat"})
    assert r.stderr == ""
    return re.sub(r".\x08", "", r.stdout)


def test_every_key_of_the_contract_is_in_the_manual():
    page = rendered(BUILD / "packaging" / "coolantd.ini.5")
    for key in ("site", "broker", "client_id", "password_file", "full_interval", "replay_rate", "connect_timeout",
                "max_backoff", "poll_interval", "coolant", "air_humidity", "facility", "it_embedded_cooling", "delay_off",
                "latch", "word_order", "deadband", "max_registers"):
        assert re.search(rf"^\s+{key}\b", page, re.M), key
    assert "Not available in this version" in page


def test_every_option_is_in_the_manual():
    for program, page in ((COOLANTD, "coolantd.8"), (SIM, "coolantd-sim.1")):
        text = rendered(ROOT / "packaging" / "man" / page)
        for option in re.findall(r"--[a-z]+", run([program, "--help"]).stdout):
            assert option in text or option in ("--version", "--help"), option
