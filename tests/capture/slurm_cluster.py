# SPDX-License-Identifier: GPL-2.0-or-later
"""A Slurm cluster of two nodes on loopback, with everything of its own: folder, ports, key and sockets.

All of it runs as one ordinary user, who is Slurm's user, too: the same way whether the tests run as root or not. For
root that is the user of Slurm's packages: newer ones refuse nobody.
"""

import contextlib
import dataclasses
import os
import pwd
import random
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

LONGEST_WAIT = 240
NODES = "n1", "n2"
SINCE_CGROUPS_MAY_BE_OFF = [23, 2]
CONFIGURATION = """
ClusterName=siptls
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={base}/munge.socket,cred_expire=20
StateSaveLocation={base}/state
SlurmdSpoolDir={base}/spool-%n
SlurmctldPidFile={base}/slurmctld.pid
SlurmdPidFile={base}/slurmd-%n.pid
SlurmctldLogFile={base}/slurmctld.log
SlurmdLogFile={base}/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SlurmdParameters=config_overrides
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1
ReturnToService=2
SlurmdTimeout=10
MessageTimeout=30
KillWait=2
MinJobAge=3600
NodeName=n1 NodeHostname=localhost NodeAddr=127.0.0.1 Port={first} CPUs=2
NodeName=n2 NodeHostname=localhost NodeAddr=127.0.0.1 Port={second} CPUs=2
PartitionName=all Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP
"""


def wait_until(what, condition, alive=()):
    """Waits for a condition to hold; what it waits for, and processes that must not end before."""
    end = time.monotonic() + LONGEST_WAIT
    while not (value := condition()):
        dead = [process.args for process in alive if process.poll() is not None]
        assert not dead and time.monotonic() < end, f"{what} did not come; ended: {dead}"
        time.sleep(0.1)
    return value


def free_ports(count):
    """Outside the range from which other programs are given ports; one that is taken meanwhile makes the start fail."""
    found = []
    while len(found) < count:
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind(("127.0.0.1", port))
            found.append(port)
    return found


def children_of(pid):
    """A process and all that came of it, by /proc: parents are seen before their children are looked for."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    family = [pid]
    for member in family:
        family += parents.get(member, [])
    return family


@dataclasses.dataclass
class Job:
    """A process of a job, its job step, and its environment as lines NAME=VALUE."""
    pid: int
    step: int
    environment: list


class Cluster:
    """Two nodes of two processors. Commands are run as the cluster's user, with its configuration."""

    def __init__(self, base: Path, environment):
        is_root = os.geteuid() == 0
        owner = pwd.getpwnam("slurm") if is_root else pwd.getpwuid(os.getuid())
        self.base, self.user = base, owner.pw_name
        self.unprivileged = ["setpriv", f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"] if is_root else []
        self.environment = environment | {"SLURM_CONF": f"{base}/slurm.conf"}
        self.processes = {}
        for name in ("state", "spool-n1", "spool-n2"):
            (base / name).mkdir()
        (base / "munge.key").write_bytes(os.urandom(64))
        (base / "munge.key").chmod(0o600)
        version = self.run("/usr/sbin/slurmctld", "-V").stdout.split()[-1].split(".")
        if [int(number) for number in version[:2]] >= SINCE_CGROUPS_MAY_BE_OFF:
            (base / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
        if is_root:
            for path in (base, *base.iterdir()):
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def run(self, *command, check=True, **options):
        done = subprocess.run([*self.unprivileged, *map(str, command)], env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=LONGEST_WAIT, check=False,
                              text=True, **options)
        assert not check or done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}\n{self.said()}"
        return done

    def said(self):
        return "\n".join(f"{path.name}: {path.read_text()[-3000:]}" for path in sorted(self.base.glob("*.log")))

    def start(self, name, *command):
        with open(self.base / f"{name}.out.log", "ab") as out:
            self.processes[name] = subprocess.Popen([*self.unprivileged, *map(str, command)], env=self.environment,
                                                    stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                                    start_new_session=True)
        return self.processes[name]

    def start_node(self, name):
        return self.start(name, "/usr/sbin/slurmd", "-N", name, "-D")

    def start_all(self):
        munge = self.start("munged", "/usr/sbin/munged", "--foreground", "--force", f"--socket={self.base}/munge.socket",
                           f"--key-file={self.base}/munge.key", f"--pid-file={self.base}/munged.pid",
                           f"--seed-file={self.base}/munged.seed", f"--log-file={self.base}/munged.log", "--num-threads=2")
        wait_until("munged", lambda: self.run("munge", "-n", "-S", self.base / "munge.socket", check=False).returncode == 0, [munge])
        for _ in range(5):
            controller, first, second = free_ports(3)
            (self.base / "slurm.conf").write_text(CONFIGURATION.format(
                base=self.base, user=self.user, controller=controller, first=first, second=second))
            daemons = [self.start("slurmctld", "/usr/sbin/slurmctld", "-D"), *map(self.start_node, NODES)]
            with contextlib.suppress(AssertionError):
                wait_until("both nodes", lambda: self.states() == {"n1": "idle", "n2": "idle"}, daemons)
                return
            for name in ("slurmctld", *NODES):
                self.kill(name)
        raise AssertionError(f"no cluster came up\n{self.said()}")

    def states(self):
        done = self.run("sinfo", "--noheader", "--Node", "--format=%N %T", check=False)
        return dict(line.split() for line in done.stdout.splitlines())

    def tasks(self, *states):
        """Shard -> id, node of the array's tasks that are in one of these states."""
        out = self.run("squeue", "--noheader", "--array", "--name=siptls", f"--states={','.join(states)}",
                       "--format=%K %i %N").stdout
        return {int(shard): (job, *node) for shard, job, *node in (line.split() for line in out.splitlines()) if shard.isdigit()}

    def kill(self, name):
        """As a power cut does: at once, with whatever runs on it."""
        process = self.processes.pop(name, None)
        if process is None:
            return
        family = self.descendants(name, process.pid)
        for number in (signal.SIGSTOP, signal.SIGKILL):     # none must see, and tell, that another has ended
            for pid in family:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, number)
        process.wait()

    def lose(self, name):
        """A node dies, and the administrator says so, which Slurm would find out after a while."""
        self.kill(name)
        self.run("scontrol", "update", f"nodename={name}", "state=down", "reason=power")

    def bring_back(self, name):
        daemon = self.start_node(name)
        wait_until(f"node {name}", lambda: self.states()[name] in ("idle", "mixed", "allocated"), [daemon])

    def descendants(self, name, pid):
        """Job steps are no children of slurmd any more, but the environment of their jobs tells the node."""
        family = children_of(pid)
        for job in self.jobs():
            if f"SLURMD_NODENAME={name}" in job.environment:
                family += [job.step, job.pid]
        return family

    def jobs(self):
        """Processes of this cluster's jobs, with the job step that each belongs to."""
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                environment = (folder / "environ").read_bytes().decode("utf-8", "replace").split("\0")
                if f"SLURM_CONF={self.base}/slurm.conf" not in environment or not any(
                        each.startswith("SLURM_JOB_ID=") for each in environment):
                    continue
                step = folder
                while (step / "comm").read_text() != "slurmstepd\n":
                    step = Path("/proc") / (step / "stat").read_text().rsplit(")", 1)[1].split()[1]
                yield Job(int(folder.name), int(step.name), environment)

    def end(self):
        for name in (*NODES, "slurmctld", "munged"):
            self.kill(name)
        for job in list(self.jobs()):       # of a node that is not there to end them
            for pid in (job.step, job.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


@contextlib.contextmanager
def cluster(base: Path, environment):
    """A running cluster, ended and removed whatever happens."""
    base.mkdir()
    there = Cluster(base, environment)
    try:
        there.start_all()
        yield there
    finally:
        there.end()
        shutil.rmtree(base, ignore_errors=True)
