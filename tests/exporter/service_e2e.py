#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The exporter under a service manager: what it tells it, and the sockets that it gets from it.

usage: service_e2e.py RING_EXPORTER
"""
import contextlib
import ctypes
import glob
import os
import re
import signal
import socket
import time

from credentials import TOKEN, token_file
from harness import Program
from place import DEADLINE_S, PATHS, main, run, wait_until
from programs import Exporter

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17  # of ptrace


class Manager:
    """The manager's end of the notification socket; a name that begins with @ is no file."""

    def __init__(self, name):
        self.name = name
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(name.replace("@", "\0"))
        self.socket.settimeout(DEADLINE_S)

    def hears(self, word, timeout_s=DEADLINE_S):
        """The fields of the next message that begins with the word."""
        self.socket.settimeout(timeout_s)
        while True:
            message = self.socket.recv(4096).decode()
            if message.startswith(word):
                return dict(line.split("=", 1) for line in message.split("\n"))

    def signs_of_life(self):
        """How many come until there is none for two seconds."""
        for count in range(10):
            try:
                self.hears("WATCHDOG=1", 2)
            except TimeoutError:
                return count
        return 10

    def exporter(self, place, *arguments, **environment):
        return Exporter(place, *arguments,
                        env={**os.environ, "NOTIFY_SOCKET": self.name, **environment})


def ready_and_the_end_are_told(place):
    for name in (f"{place.folder}/notify", f"@ring-test-{os.getpid()}"):
        manager = Manager(name)
        program = Program(place, "ring-exporter", "--dir", place.segments,
                          "--web.listen-address=127.0.0.1:0",
                          env={**os.environ, "NOTIFY_SOCKET": name})
        assert manager.hears("READY=1")["STATUS"] == "Serving"
        port = program.await_word(r'address="127.0.0.1:(\d+)"')[1]
        done = run("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}",
                   f"http://127.0.0.1:{port}/-/ready")
        assert done.stdout == b"200", done
        assert program.end() == 0
        assert manager.hears("STOPPING=1")["STATUS"] == "Finishing requests"


def a_reload_is_told_until_it_is_done(place):
    manager = Manager(f"{place.folder}/notify")
    exporter = manager.exporter(place)
    assert manager.hears("READY=1")
    began_us = time.monotonic_ns() // 1000
    exporter.send_signal(signal.SIGHUP)
    us = int(manager.hears("RELOADING=1")["MONOTONIC_USEC"])
    assert began_us <= us <= time.monotonic_ns() // 1000
    assert manager.hears("READY=1")["STATUS"] == "Serving"


def a_manager_that_is_not_there_changes_nothing(place):
    exporter = Exporter(place, env={**os.environ, "NOTIFY_SOCKET": f"{place.folder}/nobody"})
    assert "the service manager cannot be told" in exporter.said()
    assert exporter.get()[0] == 200


@contextlib.contextmanager
def hung(thread):
    """One thread of a process does not go on, and the others do."""
    libc = ctypes.CDLL(None, use_errno=True)
    assert libc.ptrace(SEIZE, thread, 0, 0) == 0, os.strerror(ctypes.get_errno())
    assert libc.ptrace(INTERRUPT, thread, 0, 0) == 0
    os.waitpid(thread, 0x40000000)  # __WALL
    try:
        yield
    finally:
        libc.ptrace(DETACH, thread, 0, 0)


def threads_of(program):
    """By name; the first one of a name, which those that it starts have from it."""
    threads = {}
    for path in glob.glob(f"/proc/{program.pid}/task/*/comm"):
        thread = int(path.split("/")[4])
        with contextlib.suppress(OSError), open(path, encoding="ascii") as comm:
            name = comm.read().rstrip("\n")
            threads[name] = min(thread, threads.get(name, thread))
    return threads


def the_watchdog_hears_of_both_threads_and_of_neither_when_one_hangs(place):
    manager = Manager(f"{place.folder}/notify")
    exporter = manager.exporter(place, WATCHDOG_USEC="2000000")
    began = time.monotonic()
    for _ in range(3):
        manager.hears("WATCHDOG=1", 2)
    assert time.monotonic() - began < 4
    for name in ("drain", "serve"):
        with hung(threads_of(exporter)[name]):
            # One may be due for what was before.
            assert manager.signs_of_life() <= 1, f"{name} hangs, and nothing shows it"
        manager.hears("WATCHDOG=1", 2)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def activated(place, where, *arguments):
    """An exporter that systemd starts at the first connection."""
    program = Program(place, "systemd-socket-activate", "-l", where, PATHS["ring-exporter"], "--dir",
                      place.segments, *arguments)
    program.await_word("Listening on")
    return program


def curl(*arguments):
    return run("curl", "-sS", "-m", DEADLINE_S, "-o", "/dev/null", "-w", "%{http_code}", *arguments)


def the_first_request_starts_it_and_is_answered(place):
    for arguments in ((), ("--web.systemd-socket",)):
        port = free_port()
        program = activated(place, f"127.0.0.1:{port}", *arguments)
        assert curl(f"http://127.0.0.1:{port}/-/healthy").stdout == b"200", program.said()
        assert re.findall(r'listening" address="(.*)"', program.said()) == [f"127.0.0.1:{port}"]
        assert program.end() == 0


def a_unix_socket_of_the_managers_is_served_and_stays(place):
    path = os.path.join(place.folder, "socket")
    program = activated(place, path)
    assert curl("--unix-socket", path, "http://x/-/healthy").stdout == b"200", program.said()
    assert program.end() == 0
    assert os.path.exists(path)  # the manager listens on


def with_sockets(place, sockets, *arguments, fds=None, names=None, pid="$$"):
    """(whether it comes up, what it says) as if the manager had opened these."""
    places = " ".join(f"{3 + i}<&{one.fileno()}" for i, one in enumerate(sockets))
    words = f"LISTEN_PID={pid} LISTEN_FDS={len(sockets) if fds is None else fds}"
    if names is not None:
        words += f" LISTEN_FDNAMES={names}"
    program = Program(place, "bash", "-c", f'exec {places}; {words} exec "$0" "$@"',
                      PATHS["ring-exporter"], "--dir", place.segments, *arguments,
                      pass_fds=[one.fileno() for one in sockets])
    wait_until(lambda: program.poll() is not None or "serve" in threads_of(program), arguments)
    up = program.poll() is None
    assert program.end() == (0 if up else 2), program.said()
    return up, program.said()


def opened(*address, family=socket.AF_INET, kind=socket.SOCK_STREAM, listens=True):
    """A socket, above those that it shall become."""
    one = socket.socket(family, kind)
    if address:
        one.bind(address[0] if family == socket.AF_UNIX else address)
    if listens:
        one.listen()
    high = os.dup2(one.detach(), 100 + opened.count, inheritable=True)
    opened.count += 1
    return socket.socket(fileno=high)


opened.count = 0


def X2_a_socket_beyond_loopback_needs_a_credential_whoever_has_opened_it(place):
    beyond = opened("0.0.0.0", 0)
    up, said = with_sockets(place, [beyond], names="metrics")
    assert not up and said.count("\n") == 1, said
    assert said.startswith("ring-exporter: socket metrics: other machines can reach it: give "), said
    up, said = with_sockets(place, [opened("127.0.0.1", 0), beyond])
    assert not up and "ring-exporter: socket 4: other machines" in said, said
    token = token_file(place, "token", TOKEN)
    assert with_sockets(place, [beyond], f"--web.token-file={token}")[0]


def what_is_no_listening_stream_socket_is_refused(place):
    for one in (opened("127.0.0.1", 0, kind=socket.SOCK_DGRAM, listens=False),
                opened("127.0.0.1", 0, listens=False),
                opened(f"{place.folder}/datagrams", family=socket.AF_UNIX, kind=socket.SOCK_DGRAM,
                       listens=False),
                opened(f"{place.folder}/silent", family=socket.AF_UNIX, listens=False)):
        up, said = with_sockets(place, [one])
        assert not up and said == "ring-exporter: socket 3: is no listening stream socket\n", said
    up, said = with_sockets(place, [open("/dev/null", "rb")])
    assert not up and "is no listening stream socket" in said, said


def addresses_are_added_only_if_given(place):
    def count(said):
        return said.count('msg="listening"')
    one, port = opened("127.0.0.1", 0), free_port()
    assert count(with_sockets(place, [one])[1]) == 1
    up, said = with_sockets(place, [one], f"--web.listen-address=127.0.0.1:{port}")
    assert up and count(said) == 2 and f'"127.0.0.1:{port}"' in said, said


def the_environment_is_taken_word_for_word(place):
    one = opened("127.0.0.1", 0)
    for wrong in ({"fds": "x"}, {"fds": "-1"}, {"fds": "1x"}, {"fds": "33"}, {"fds": "9999999999"},
                  {"pid": "x"}, {"pid": "''"}, {"names": "a:b"}, {"names": "n" * 256},
                  {"fds": 2}):  # fewer are open
        up, said = with_sockets(place, [one], **wrong)
        assert not up and said.count("\n") == 1, (wrong, said)
        assert said.startswith("ring-exporter: sockets of the service manager: LISTEN_"), said


def sockets_for_another_process_are_none(place):
    one = opened("127.0.0.1", 0)
    for none in ({"pid": 1}, {"fds": 0}):
        up, said = with_sockets(place, [one], "--web.systemd-socket", **none)
        assert not up, said
        assert said == ("ring-exporter: --web.systemd-socket: the service manager has opened no "
                        "sockets\n"), said
    done = run("ring-exporter", "--web.systemd-socket", "--dir", place.segments)
    assert done.returncode == 2, done


main([
    ready_and_the_end_are_told,
    a_reload_is_told_until_it_is_done,
    a_manager_that_is_not_there_changes_nothing,
    the_watchdog_hears_of_both_threads_and_of_neither_when_one_hangs,
    the_first_request_starts_it_and_is_answered,
    a_unix_socket_of_the_managers_is_served_and_stays,
    X2_a_socket_beyond_loopback_needs_a_credential_whoever_has_opened_it,
    what_is_no_listening_stream_socket_is_refused,
    addresses_are_added_only_if_given,
    the_environment_is_taken_word_for_word,
    sockets_for_another_process_are_none,
])
