# SPDX-License-Identifier: MIT
"""A temporary folder and the programs that run in it, of which nothing is left behind. What the
scripts of the examples have in common.
"""
import contextlib
import glob
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DEADLINE_S = 30
ENDING = signal.SIGINT, signal.SIGTERM, signal.SIGHUP


def wait_until(condition, what):
    """Asks again and again until the condition holds; returns its value."""
    end = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        if time.monotonic() > end:
            raise TimeoutError(f"still not after {DEADLINE_S} s: {what}")
        time.sleep(0.02)
    return value


def family(pid):
    """A process and all that descend from it, parents first."""
    parents = {}
    for path in glob.glob("/proc/[0-9]*/stat"):
        try:
            with open(path, encoding="utf-8", errors="replace") as stat:
                parents[int(path.split("/")[2])] = int(stat.read().rpartition(")")[2].split()[1])
        except OSError:  # it has ended meanwhile
            continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Site:
    """A folder, and programs that run in it as `user` if they would else run as root."""

    user = None

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="ring-example-")
        self.programs = []
        if self.user and os.getuid() == 0:
            shutil.chown(self.folder, self.user)
        try:
            self.begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        while self.programs:
            self.end(self.programs[-1])
        shutil.rmtree(self.folder)

    def begin(self):
        pass

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def as_user(self, command):
        """The command line; what it starts does not outlive this process."""
        line = ["setpriv", "--pdeathsig", "KILL"]
        if self.user and os.getuid() == 0:
            group = str(pwd.getpwnam(self.user).pw_gid)
            line += ["--reuid", self.user, "--regid", group, "--init-groups"]
        return [*line, *command]

    def call(self, *command):
        """Runs to the end; returns its output."""
        done = subprocess.run(self.as_user(command), cwd=self.folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=DEADLINE_S, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"{command}: {done.stderr}")
        return done.stdout

    def start(self, name, *command, **options):
        """Starts a program; what it says goes to the file `name`.log. Ctrl-C is not for it."""
        with open(self.path(name + ".log"), "ab") as log:
            program = subprocess.Popen(self.as_user(command), cwd=self.folder, stdout=log,
                                       stderr=log, stdin=subprocess.DEVNULL,
                                       start_new_session=True, **options)
        self.programs.append(program)
        return program

    def serve(self, name, *command):
        """Starts a server on a port that it finds itself; returns its URL."""
        server = self.start(name, *command, "--web.listen-address=127.0.0.1:0")

        def url():
            with open(self.path(name + ".log"), encoding="utf-8") as log:
                said = log.read()
            if server.poll() is not None:
                raise RuntimeError(f"{name}: {said}")
            found = re.search(r'address="?(127\.0\.0\.1:[1-9]\d*)', said)
            return found and f"http://{found[1]}"
        return wait_until(url, f"{name} serves")

    def end(self, program):
        """Ends it, and what it has started, paused or not; at once if it does not by itself."""
        self.programs.remove(program)
        members = family(program.pid)
        self.tell(members, signal.SIGCONT)
        self.tell(members[:1], signal.SIGINT)
        try:
            program.wait(5)
        except subprocess.TimeoutExpired:
            self.tell(members, signal.SIGKILL)
            program.wait()

    @staticmethod
    def tell(pids, what):
        for pid in pids:
            try:
                os.kill(pid, what)
            except ProcessLookupError:
                continue


def leave(number, _):
    """Ends this program, and no second signal disturbs the end."""
    for one in ENDING:
        signal.signal(one, signal.SIG_IGN)
    with contextlib.suppress(OSError):  # the terminal may be gone
        os.write(sys.stdout.fileno(), b"\nstopping, which takes a few seconds\n")
    sys.exit(128 + number)


def end_in_order():
    """From now on a signal to end is an exit, which leaves nothing behind."""
    for one in ENDING:
        signal.signal(one, leave)
