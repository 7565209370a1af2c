# SPDX-License-Identifier: MIT
"""PostgreSQL and Redis, primary and replica each, private to a temporary folder: Debian's own
programs, not as root, and nothing left behind. run.py and the tests use them.
"""
import glob
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys

sys.path.append(os.path.dirname(__file__) + "/..")  # where scratch is
from scratch import DEADLINE_S, Site, family, wait_until


class Pair(Site):
    """A primary with one replica; both are programs."""

    collector = None  # the program that follows it
    environment = None  # of that program; None: as it is
    primary = replica = None

    def pause(self, program):
        """Stops it in the middle of whatever it does: itself first, so that it starts no more,
        then all that it has started."""
        self.tell(family(program.pid), signal.SIGSTOP)

    def resume(self, program):
        self.tell(family(program.pid), signal.SIGCONT)


class Postgres(Pair):
    """Reached by sockets in the folder, which nobody else can enter: so there is no password."""

    user = "postgres"
    collector = "postgres_collector"
    settings = {"listen_addresses": "", "fsync": "off", "shared_buffers": "16MB",
                "dynamic_shared_memory_type": "mmap", "wal_retrieve_retry_interval": "200ms"}

    def begin(self):
        self.bin = max(glob.glob("/usr/lib/postgresql/*/bin"),
                       key=lambda path: int(path.split("/")[4]))
        self.call(f"{self.bin}/initdb", "--username=postgres", "--auth=trust", "--no-sync",
                  "--wal-segsize=1", "--encoding=UTF8", "--no-locale", "--pgdata",
                  self.path("primary"))
        self.start_primary()
        self.call(f"{self.bin}/pg_basebackup", "--host", self.folder, "--username=postgres",
                  "--checkpoint=fast", "--no-sync", "--write-recovery-conf", "--pgdata",
                  self.path("standby"))
        self.start_replica()

    def serve(self, name, port):
        """Both have their sockets in one folder, so the ports tell them apart."""
        settings = {**self.settings, "port": port, "cluster_name": name,
                    "unix_socket_directories": self.folder}
        return self.start(name, f"{self.bin}/postgres", "-D", self.path(name),
                          *(f"--{key}={value}" for key, value in settings.items()))

    def start_primary(self):
        self.primary = self.serve("primary", 5432)
        wait_until(lambda: subprocess.run([f"{self.bin}/pg_isready", "--quiet", "--host",
                                           self.folder], check=False).returncode == 0,
                   "PostgreSQL accepts connections")

    def start_replica(self):
        self.replica = self.serve("standby", 5433)
        wait_until(self.progress, "the standby streams")

    def target(self):
        return f"host={self.folder} user=postgres"

    def ask(self, statement):
        return self.call(f"{self.bin}/psql", "-XAt", "-d", self.target(), "-c", statement)

    def progress(self):
        """(shipped, applied) in bytes by standby, as PostgreSQL writes positions itself."""
        def position(text):
            high, low = text.split("/")
            return (int(high, 16) << 32) + int(low, 16)
        rows = self.ask("SELECT application_name, pg_current_wal_lsn(), replay_lsn "
                        "FROM pg_stat_replication WHERE replay_lsn IS NOT NULL").split()
        return {name: (position(shipped), position(applied))
                for name, shipped, applied in (row.split("|") for row in rows)}

    def write_load(self):
        """Starts a hundred small writes a second; what they write is in the log and nowhere else."""
        with open(self.path("load.sql"), "w", encoding="utf-8") as script:
            script.write("SELECT pg_logical_emit_message(true, 'load', repeat('x', 500));\n")
        os.chmod(script.name, 0o644)
        return self.start("load", f"{self.bin}/pgbench", "--no-vacuum", "--rate=100", "--time=86400",
                          f"--file={script.name}", self.target())


class Redis(Pair):
    """On loopback, where others are too: so there is a password, new each time."""

    user = "redis"
    collector = "redis_collector"

    def begin(self):
        self.password = secrets.token_hex(16)
        self.environment = {**os.environ, "REDISCLI_AUTH": self.password}
        self.ports = {}
        with socket.socket() as first, socket.socket() as second:
            for name, sock in ("primary", first), ("replica", second):
                sock.bind(("127.0.0.1", 0))
                self.ports[name] = sock.getsockname()[1]
        self.start_primary()
        self.start_replica()

    def serve(self, name, *more):
        config = self.path(name + ".conf")
        with open(config, "w", encoding="utf-8", opener=lambda path, flags:
                  os.open(path, flags, mode=0o600)) as file:
            print("bind 127.0.0.1", f"port {self.ports[name]}", f"requirepass {self.password}",
                  f"masterauth {self.password}", f"dir {self.folder}", f"dbfilename {name}.rdb",
                  'save ""', "repl-diskless-sync-delay 0", *more, sep="\n", file=file)
        if os.getuid() == 0:
            shutil.chown(config, self.user)
        return self.start(name, "redis-server", config)

    def start_primary(self):
        self.primary = self.serve("primary")
        wait_until(lambda: self.ask("PING").startswith("PONG"), "Redis accepts connections")

    def start_replica(self):
        self.replica = self.serve("replica", f"replicaof 127.0.0.1 {self.ports['primary']}")
        wait_until(self.progress, "the replica is online")

    def target(self):
        return f"127.0.0.1:{self.ports['primary']}"

    def client(self, *words):
        return ["redis-cli", "-p", str(self.ports["primary"]), *words]

    def ask(self, *words):
        return subprocess.run(self.client(*words), env=self.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, timeout=DEADLINE_S,
                              check=False).stdout

    def progress(self):
        """(shipped, applied) in bytes by replica, of those that are online."""
        facts = dict(line.split(":", 1) for line in self.ask("INFO", "replication").split()
                     if ":" in line)
        replicas = [dict(pair.split("=", 1) for pair in value.split(","))
                    for key, value in facts.items() if key.startswith("slave") and "=" in value]
        return {f"{one['ip']}:{one['port']}": (int(facts["master_repl_offset"]), int(one["offset"]))
                for one in replicas if one["state"] == "online"}

    def write_load(self):
        return self.start("load", *self.client("-r", "-1", "-i", "0.01", "SET", "key", "x" * 500),
                          env=self.environment)
