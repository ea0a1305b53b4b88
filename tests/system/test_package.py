"""The Debian packages, built twice and put on a fresh Debian 12 that is booted with a real systemd."""
import contextlib
import os
import re
import shutil
import subprocess
import time

import pytest

from harness import ROOT, run, wait_for

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mmdebstrap") or not shutil.which("systemd-nspawn"),
                                reason="needs root, mmdebstrap and systemd-nspawn")
FRESH = "systemd,systemd-sysv,dbus,mosquitto,mosquitto-clients,procps"
CONFIG = "etc/coolantd/coolantd.ini"


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """Of two builds: {name: path of the .deb}."""
    folder = tmp_path_factory.mktemp("package")
    outs = [folder / "one", folder / "a longer path" / "two"]
    jobs = [subprocess.Popen([ROOT / "packaging" / "build-deb", out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for out in outs]
    for job in jobs:
        text = job.communicate(timeout=600)[0]
        assert job.returncode == 0, text
    built = [{deb.name.split("_")[0]: deb for deb in out.glob("*.deb")} for out in outs]
    yield built
    shutil.rmtree(folder)


class Machine:
    """A root that is booted; its commands run beside its own PID 1."""

    def __init__(self, root):
        self.root, self.log = root, open(root.parent / "boot.log", "w")
        # seccomp of nspawn's own would hide that the unit's device policy bites
        self.nspawn = subprocess.Popen(
            ["systemd-nspawn", "--register=no", "--keep-unit", "-D", root, "--private-network", "-b", "--console=pipe", "--capability=all",
             "--system-call-filter=bpf", "systemd.log_target=console"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
            env={**os.environ, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1", "SYSTEMD_SECCOMP": "0"})
        self.first = wait_for(lambda: run(["pgrep", "-P", str(self.nspawn.pid)]).stdout.split(), "its PID 1")[0]
        wait_for(lambda: self("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"),
                 lambda: (root.parent / "boot.log").read_text()[-3000:], 60)

    def __call__(self, *words):
        return run(["nsenter", "-t", self.first, "-m", "-u", "-i", "-n", "-p", "-C", *words])

    def journal(self, *words):
        return self("journalctl", "--no-pager", "-u", "coolantd", *words).stdout

    def main_pid(self):
        return int(self("systemctl", "show", "-P", "MainPID", "coolantd").stdout)

    def stop(self):
        with contextlib.suppress(subprocess.TimeoutExpired):
            self("systemctl", "poweroff")
            self.nspawn.wait(20)
        if self.nspawn.poll() is None:
            self.nspawn.kill()
        self.log.close()


@pytest.fixture(scope="module")
def machine(packages):
    """A fresh Debian 12 on which somebody says apt install ./coolantd_*.deb."""
    root = packages[0]["coolantd"].parent.parent / "root"
    debs = [packages[0][name] for name in ("coolantd", "coolantd-sim")]
    r = run(["mmdebstrap", "--quiet", "--variant=minbase", f"--include={FRESH}", f"--customize-hook=copy-in {debs[0]} {debs[1]} /opt",
             '--customize-hook=chroot "$1" sh -c "apt-get install -y --no-install-recommends /opt/*.deb"', "bookworm", root])
    assert r.returncode == 0, r.stdout + r.stderr
    (root / "etc/hosts").write_text("127.0.0.1 localhost\n")
    (root / "etc/mosquitto/conf.d/local.conf").write_text("listener 1883 127.0.0.1\nallow_anonymous true\n")
    (root / "etc/systemd/system/sim.service").write_text(f"[Service]\nExecStart=/usr/bin/coolantd-sim -c /{CONFIG}\n[Install]\nWantedBy=multi-user.target\n")
    r = run(["chroot", root, "systemctl", "enable", "sim"])
    assert r.returncode == 0, r.stdout + r.stderr
    m = Machine(root)
    yield m
    m.stop()


def edit(machine, old, new):
    path = machine.root / CONFIG
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def test_two_builds_are_the_same_bytes_and_lintian_is_content(packages):
    built = packages
    assert {"coolantd", "coolantd-sim", "coolantd-dashboard", "coolantd-dbgsym"} <= set(built[0])
    for name, deb in built[0].items():
        assert deb.read_bytes() == built[1][name].read_bytes(), name
    r = run(["lintian", "--allow-root", "--pedantic", "--fail-on=error,warning,pedantic", *built[0].values()])
    assert r.returncode == 0, r.stdout + r.stderr
    files = run(["dpkg-deb", "-c", built[0]["coolantd"]]).stdout
    for path in ("usr/bin/coolantd", "usr/bin/coolantctl", "lib/systemd/system/coolantd@.service", "usr/lib/sysusers.d/coolantd.conf",
                 "usr/share/coolantd/profiles/orv3-rpu.ini", "usr/share/coolantd/schemas/device.schema.json", "usr/share/man/man8/coolantd.8.gz"):
        assert f"./{path}\n" in files, path
    assert run(["dpkg-deb", "-I", built[0]["coolantd"], "conffiles"]).stdout == f"/{CONFIG}\n"


def test_one_edited_line_and_it_polls(machine):
    wait_for(lambda: "connected to the broker" in machine.journal(), machine.journal)
    # nothing is polled before it is edited
    assert "answers" not in machine.journal() and machine("systemctl", "is-active", "coolantd").stdout == "active\n"
    edit(machine, "enabled = no ", "enabled = yes")
    assert machine("systemctl", "reload", "coolantd").returncode == 0
    wait_for(lambda: "device cdu1 on bus cdu answers" in machine.journal(), machine.journal)
    message = machine("mosquitto_sub", "-t", "coolant/site1/rack1/device/cdu1", "-C", "1", "-W", "10").stdout
    assert '"supply_temperature":' in message
    assert re.search(r"^coolantd +healthy$", machine("coolantctl", "status").stdout, re.M)


def test_a_reload_that_is_refused_fails(machine):
    pid = machine.main_pid()
    edit(machine, "[daemon]\n", "[daemon]\nnonsense = 1\n")
    assert machine("systemctl", "reload", "coolantd").returncode != 0
    assert f"/{CONFIG}:" in machine.journal() and "nonsense: unknown key" in machine.journal()
    edit(machine, "nonsense = 1\n", "")
    assert machine("systemctl", "reload", "coolantd").returncode == 0
    assert machine.main_pid() == pid


def test_it_writes_nowhere_else_and_opens_no_other_device(machine):
    """Whoever is in its place: its own user, groups, devices, folders."""
    pid = machine.main_pid()
    status = machine("cat", f"/proc/{pid}/status").stdout
    uid, gid = (re.search(rf"^{kind}:\t(\d+)", status, re.M)[1] for kind in ("Uid", "Gid"))
    assert uid != "0" and re.search(r"^CapEff:\t0+$", status, re.M)
    assert re.search(r"^NoNewPrivs:\t1$", status, re.M) and re.search(r"^Seccomp:\t2$", status, re.M)
    enter = ["nsenter", "-t", str(pid), "-m", "-S", uid, "-G", gid]
    for path in ("/etc/coolantd/x", "/usr/x", "/var/lib/x", "/run/x", "/home/x"):
        assert machine(*enter, "touch", path).returncode != 0, path
    assert machine(*enter, "touch", "/var/lib/coolantd/x").returncode == 0  # so that a refusal above says something
    group = machine("stat", "-c", "%G %a", "/run/coolantd/http.sock").stdout
    assert group == "coolantd 660\n"
    programs = machine("cat", f"/sys/fs/cgroup/system.slice/coolantd.service/cgroup.procs").stdout.split()
    assert str(pid) in programs


def test_a_hang_and_a_kill_are_survived(machine):
    pid = machine.main_pid()
    machine("kill", "-KILL", str(pid))
    wait_for(lambda: machine.main_pid() not in (0, pid), machine.journal)
    for _ in range(6):  # more than the five bad starts after which systemd would give up
        pid = wait_for(machine.main_pid, machine.journal)
        machine("kill", "-SEGV", str(pid))
        wait_for(lambda: machine.main_pid() not in (0, pid), machine.journal)
    wait_for(lambda: machine("systemctl", "is-active", "coolantd").stdout == "active\n", machine.journal)
    began = time.monotonic()
    assert machine("systemctl", "stop", "coolantd").returncode == 0
    assert time.monotonic() - began < 2


def test_an_edited_configuration_outlives_an_upgrade_and_a_removal(machine):
    assert machine("sh", "-c", "dpkg -i --force-confold /opt/coolantd_*.deb").returncode == 0
    assert "enabled = yes" in (machine.root / CONFIG).read_text()
    assert machine("dpkg", "-r", "coolantd").returncode == 0
    assert "enabled = yes" in (machine.root / CONFIG).read_text() and (machine.root / "var/lib/private/coolantd/state.db").exists()
    assert machine("dpkg", "--purge", "coolantd").returncode == 0
    assert not (machine.root / "etc/coolantd").exists() and not (machine.root / "var/lib/private/coolantd").exists()
