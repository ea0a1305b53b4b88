"""The newcomer's one command."""
import os
import signal
import socket
import urllib.request

import harness
from harness import ROOT, free_port, free_run, run

QUICKSTART = ROOT / "packaging" / "quickstart"


def ports():
    return ["--mqtt-port", free_port(), "--web-port", free_port(), "--modbus-port", free_run(8)]


def children_of(folder):
    return run(["pgrep", "-f", str(folder)]).stdout.split()


def test_unattended_run_ends_with_a_good_pue_and_leaves_nothing(tmp_path):
    r = run([QUICKSTART, "--for", "8s", *ports()], env={**os.environ, "TMPDIR": str(tmp_path)})
    assert r.returncode == 0, r.stdout + r.stderr
    assert "coolantd is online" in r.stdout and "first PUE" in r.stdout
    assert list(tmp_path.iterdir()) == []
    assert children_of(tmp_path) == []


def test_the_product_starts_in_under_three_seconds(tmp_path):
    r = run([QUICKSTART, "--for", "6s", *ports()], env={**os.environ, "TMPDIR": str(tmp_path)})
    line = next(l for l in r.stdout.splitlines() if l.startswith("first PUE"))
    assert float(line.split()[2]) < 3


def test_a_taken_port_is_told(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as s:
        port = s.getsockname()[1]
        r = run([QUICKSTART, "--mqtt-port", port], env={**os.environ, "TMPDIR": str(tmp_path)})
    assert r.returncode == 1
    assert f"port {port} is taken by another program (choose another with --mqtt-port)" in r.stderr
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c_ends_everything_and_the_page_is_served(start, tmp_path):
    options = ports()
    web = options[3]
    # a shell cannot trap a signal that it was started with ignored, as the tests of a background job are
    process = start(harness.Process, [QUICKSTART, *options], env={"TMPDIR": str(tmp_path)}, start_new_session=True,
                    preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))

    def page():
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{web}/index.html", timeout=2) as r:
                return r.read().decode()
        except OSError:
            return None
    assert "app.js" in harness.wait_for(page, lambda: process.text, 60)
    for name in ("app.js", "style.css", "vendor.js"):
        with urllib.request.urlopen(f"http://127.0.0.1:{web}/{name}", timeout=5) as r:
            assert len(r.read()) > 500
    harness.wait_for(lambda: list(tmp_path.glob("*/r08/coolantd.log")), "coolantd", 30)
    os.killpg(process.process.pid, signal.SIGINT)
    process.process.wait(15)
    assert children_of(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage():
    assert run([QUICKSTART, "--nonsense", "1"]).returncode == 1
    assert "allowed: seconds" in run([QUICKSTART, "--for", "x"]).stderr
