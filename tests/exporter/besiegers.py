# SPDX-License-Identifier: MIT
"""Clients that mean no good, many at once in a process of their own.

  silent     connects and says nothing
  dripping   sends a header a byte a second
  slow       asks for a page and reads four kilobytes of it a second

Who is dropped comes again after a second.
"""
import contextlib
import multiprocessing
import resource
import select
import socket
import time

from connections import REQUEST

SECOND_BYTES = 4096


class Besieger:
    def __init__(self, kind, address, source):
        self.kind, self.address, self.source, self.socket = kind, address, source, None
        self.due, self.said = 0, 0

    def connect(self, poll):
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if self.kind == "slow":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SECOND_BYTES)
        self.socket.bind((self.source, 0))
        with contextlib.suppress(BlockingIOError):
            self.socket.connect(self.address)
        self.said = 0
        # Only its end: what is there to read stays there.
        poll.register(self.socket, select.EPOLLRDHUP | select.EPOLLHUP | select.EPOLLERR)

    def drop(self, poll, now):
        poll.unregister(self.socket)
        self.socket.close()
        self.socket, self.due = None, now + 1

    def act(self, poll, now):
        """Once a second. Returns false when it has been dropped."""
        self.due = now + 1
        if not self.socket:
            self.connect(poll)
            return
        with contextlib.suppress(OSError):
            if self.kind == "dripping":
                header = REQUEST + b"X: "
                self.socket.send(header[self.said:self.said + 1] or b"x")
                self.said += 1
            elif self.kind == "slow":
                if self.said == 0:
                    self.socket.send(REQUEST + b"\r\n")
                    self.said = 1
                self.socket.recv(SECOND_BYTES)


def besiege(address, counts, source, seconds, is_there):
    resource.setrlimit(resource.RLIMIT_NOFILE,
                       (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    start = time.monotonic()
    all_of_them = [Besieger(kind, address, source)
                   for kind, count in counts.items() for _ in range(count)]
    for i, one in enumerate(all_of_them):  # they do not all come in one moment
        one.due = start + i / len(all_of_them)
    poll, by_fd = select.epoll(), {}
    while (now := time.monotonic()) < start + seconds:
        for one in all_of_them:
            if one.due <= now:
                one.act(poll, now)
                by_fd[one.socket.fileno()] = one
        for fd, _ in poll.poll(0.02):
            by_fd[fd].drop(poll, time.monotonic())
        if now > start + 1:
            is_there.set()


@contextlib.contextmanager
def siege(exporter, counts, seconds, source="127.0.0.1"):
    """For so long or until the block ends; it begins when all are there."""
    is_there = multiprocessing.Event()
    process = multiprocessing.Process(
        target=besiege, daemon=True,
        args=((exporter.host, int(exporter.port)), counts, source, seconds, is_there))
    process.start()
    try:
        assert is_there.wait(20)
        yield process
    finally:
        process.kill()
        process.join()
