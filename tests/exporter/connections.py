# SPDX-License-Identifier: MIT
"""Connections to an exporter, one step at a time, and what it uses meanwhile."""
import http.client
import os
import select
import socket

from harness import label
from place import DEADLINE_S
from programs import Exporter

REQUEST = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
MIB = 1 << 20
# In a build with sanitizers too, what is freed is no longer used.
os.environ["ASAN_OPTIONS"] = "quarantine_size_mb=0:thread_local_quarantine_size_kb=0"


def fds(exporter):
    return len(os.listdir(f"/proc/{exporter.pid}/fd"))


def resident_bytes(exporter):
    with open(f"/proc/{exporter.pid}/status", encoding="ascii") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def unread_bytes(exporter):
    """The most that the kernel keeps of an answer."""
    with open("/proc/net/tcp", encoding="ascii") as table:
        lines = [line.split() for line in table][1:]
    return max(int(line[4].split(":")[0], 16) for line in lines
               if line[1].endswith(f":{int(exporter.port):04X}"))


def connect(exporter, said=b"", source="127.0.0.1", window=None):
    client = socket.socket()
    client.settimeout(DEADLINE_S)
    if window:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    client.bind((source, 0))
    client.connect((exporter.host, int(exporter.port)))
    client.sendall(said)
    return client


def is_open(client):
    """Whether the exporter has not closed it yet. Nothing is read."""
    if not select.select([client], [], [], 0)[0]:
        return True
    try:
        return client.recv(1, socket.MSG_PEEK) != b""
    except ConnectionError:
        return False


def label_much(place):
    """Segments that make a page far larger than what a socket takes in."""
    for name in "abcd":
        label(place, name, 20000, *(b"%s%0240d" % (name.encode(), i) for i in range(4000)))


def warmed_up(place, *arguments):
    """An exporter whose memory holds pages already."""
    exporter = Exporter(place, *arguments)
    for _ in range(5):
        exporter.get()
    return exporter


def answer_of(client):
    answer = http.client.HTTPResponse(client)
    answer.begin()
    return answer.status, len(answer.read())
