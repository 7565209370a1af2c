#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Where the exporter listens: not beyond this machine without a credential, and on Unix-domain
sockets with the permissions that it is told.

usage: listen_e2e.py RING_EXPORTER
"""
import http.client
import os
import signal
import socket
import stat

from credentials import (CLIENTS, PASSWORD, TOKEN, Authority, bcrypt, listens, tls_config,
                         token_file, users, write)
from place import PATHS, Program, main, run, wait_until
from programs import Exporter
from tap import Skip


def own_address():
    """An address of this machine that is not a loopback one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing
            return probe.getsockname()[0]
        except OSError:
            return None


LOOPBACK = ["127.0.0.1:0", "127.8.9.1:0", "localhost:0"]
BEYOND = ["0.0.0.0:0", ":0", "0:0", "000.0.0.0:0"]
LOOPBACK_V6, BEYOND_V6 = ["[::1]:0", "[0:0::0:1]:0"], ["[::]:0", "[::0]:0"]


def X2_address_beyond_loopback_is_refused_without_a_credential(place):
    cases = [(address, True) for address in LOOPBACK] + [(address, False) for address in BEYOND]
    if os.path.exists("/proc/net/if_inet6"):
        cases += [(address, True) for address in LOOPBACK_V6]
        cases += [(address, False) for address in BEYOND_V6]
    if own_address():
        cases += [(f"{own_address()}:0", False), (f"[::ffff:{own_address()}]:0", False)]
    name = socket.gethostname()
    try:
        beyond = any(not found[4][0].startswith(("127.", "::1"))
                     for found in socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM))
        cases.append((f"{name}:0", not beyond))
    except OSError:
        pass
    for address, good in cases:
        up, said = listens(place, f"--web.listen-address={address}")
        assert up == good, (address, said)
        if not good:
            assert said.count("\n") == 1, said
            assert said.startswith(f"ring-exporter: {address}: other machines can reach it: give "
                                   "--web.token-file, or --web.config.file"), said


def X2_name_that_also_stands_for_an_address_beyond_is_refused(place):
    """In a namespace whose file of hosts has such a name."""
    hosts = write(place, "hosts", "127.0.0.1 both here\n127.0.0.2 here\n192.0.2.1 both\n")
    mount = f'mount --bind {hosts} /etc/hosts && exec "$0" "$@"'
    if run("unshare", "-rm", "sh", "-c", mount, "true").returncode != 0:
        raise Skip("no namespace for mounts here")
    for name, good in (("here", True), ("both", False)):
        program = Program(place, "unshare", "-rm", "sh", "-c", mount, PATHS["ring-exporter"],
                          "--dir", place.segments, f"--web.listen-address={name}:0")
        wait_until(lambda p=program: p.poll() is not None or "listening" in p.said(), name)
        assert program.end() == (0 if good else 2), program.said()
        assert good or "both:0: other machines can reach it" in program.said(), program.said()


def X2_one_address_beyond_loopback_among_others_is_enough(place):
    up, said = listens(place, "--web.listen-address=127.0.0.1:0", "--web.listen-address=:0")
    assert not up and "other machines" in said


def X2_a_token_a_password_or_a_verified_certificate_opens_the_address(place):
    authority = Authority(place)
    authority.sign("server", "serverAuth")
    ca = "client_ca_file: ca.pem"
    for text, good in (("", False), ("basic_auth_users: {}\n", False),
                       (users(a=bcrypt(PASSWORD)), True), (tls_config(), False),
                       (tls_config("client_auth_type: RequestClientCert"), False),
                       (tls_config("client_auth_type: RequireAnyClientCert"), False),
                       (tls_config("client_auth_type: VerifyClientCertIfGiven", ca), False),
                       (tls_config(*CLIENTS), True),
                       (tls_config() + users(a=bcrypt(PASSWORD)), True)):
        config = write(place, "web.yml", text)
        up, said = listens(place, "--web.listen-address=:0", f"--web.config.file={config}")
        assert up == good, (text, said)
        assert ("without TLS" in said) == (good and "tls_server" not in text), said
    token = token_file(place, "token", TOKEN)
    assert listens(place, "--web.listen-address=:0", f"--web.token-file={token}")[0]
    for config in ("no such file", token):
        up, said = listens(place, "--web.listen-address=:0", f"--web.config.file={config}")
        assert not up and said.count("\n") == 1, said


class UnixConnection(http.client.HTTPConnection):
    """Through a socket with a path."""

    def __init__(self, path):
        super().__init__("localhost", timeout=10)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(self.path)


def ask(path, target="/metrics", **headers):
    connection = UnixConnection(path)
    connection.request("GET", target, headers=headers)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status


def socket_of(place, *arguments, name="socket", mask=None):
    """(program, path) of an exporter that listens on a socket with a path."""
    path = os.path.join(place.folder, name)
    program = Program(place, "bash", "-c", f'{f"umask {mask};" if mask else ""} exec "$0" "$@"',
                      PATHS["ring-exporter"], "--dir", place.segments,
                      f"--web.listen-address=unix:{path}", *arguments)
    program.await_word(f'msg="listening" address="unix:{path}"')
    return program, path


def mode_of(path):
    status = os.lstat(path)
    assert stat.S_ISSOCK(status.st_mode)
    return stat.S_IMODE(status.st_mode)


def unix_socket_serves_and_is_gone_at_the_end(place):
    for number in (signal.SIGTERM, signal.SIGINT):
        program, path = socket_of(place)
        wait_until(lambda p=path: ask(p) == 200, "it is ready")
        assert program.end(number) == 0 and not os.path.exists(path)


def unix_socket_needs_no_credential_but_takes_what_is_configured(place):
    _, path = socket_of(place, f"--web.token-file={token_file(place, 'token', TOKEN)}")
    wait_until(lambda: ask(path, "/-/ready") == 200, "it is ready")
    assert ask(path) == 401 and ask(path, Authorization=f"Bearer {TOKEN}") == 200


def permissions_are_the_umasks_or_the_flags(place):
    for arguments, mask, mode in (((), "022", 0o755), ((), "077", 0o700), ((), "000", 0o777),
                                  (("--web.socket-mode=660",), "077", 0o660),
                                  (("--web.socket-mode", "0600"), "000", 0o600)):
        program, path = socket_of(place, *arguments, mask=mask)
        assert mode_of(path) == mode, (arguments, mask, oct(mode_of(path)))
        made = place.segments
        wait_until(lambda m=made: os.path.exists(m), "the exporter runs")
        assert stat.S_IMODE(os.stat(made).st_mode) == 0o750 & ~int(mask, 8), "the umask is as it was"
        program.end()
        os.rmdir(made)


def what_a_killed_exporter_left_is_replaced_and_nothing_else_is(place):
    program, path = socket_of(place)
    program.end(signal.SIGKILL)
    assert mode_of(path) is not None
    program, path = socket_of(place)
    refused = f"--web.listen-address=unix:{path}"
    up, said = listens(place, refused)
    assert not up and "in use" in said, said
    wait_until(lambda: ask(path) == 200, "the first one goes on")
    program.end()
    for make in (lambda: write(place, "socket", "text"), lambda: os.mkdir(path),
                 lambda: os.symlink("/dev/null", path)):
        make()
        up, said = listens(place, refused)
        assert not up and said.count("\n") == 1 and os.path.lexists(path), said
        run("rm", "-rf", path)


def somebody_elses_file_stays_at_the_end(place):
    program, path = socket_of(place)
    os.unlink(path)
    write(place, "socket", "text")
    assert program.end() == 0
    with open(path, encoding="utf-8") as file:
        assert file.read() == "text"


def wrong_paths_and_modes_are_refused(place):
    for argument in ("--web.listen-address=unix:", "--web.listen-address=unix:relative",
                     "--web.listen-address=unix:/" + "x" * 107, "--web.socket-mode=",
                     "--web.socket-mode=888", "--web.socket-mode=1777", "--web.socket-mode=66",
                     "--web.socket-mode=rw", "--web.socket-mode=-600", "--web.socket-mode=07777",
                     f"--web.listen-address=unix:{place.folder}/no/such"):
        up, said = listens(place, argument)
        assert not up and said.count("\n") == 1, (argument, said)
    path = "/".join([place.folder, "x" * (106 - len(place.folder))])
    assert len(path) == 107
    socket_of(place, name=os.path.basename(path))


def network_and_file_are_served_together(place):
    path = os.path.join(place.folder, "socket")
    exporter = Exporter(place, f"--web.listen-address=unix:{path}")
    assert ask(path) == 200 and exporter.get()[0] == 200


main([
    X2_address_beyond_loopback_is_refused_without_a_credential,
    X2_name_that_also_stands_for_an_address_beyond_is_refused,
    X2_one_address_beyond_loopback_among_others_is_enough,
    X2_a_token_a_password_or_a_verified_certificate_opens_the_address,
    unix_socket_serves_and_is_gone_at_the_end,
    unix_socket_needs_no_credential_but_takes_what_is_configured,
    permissions_are_the_umasks_or_the_flags,
    what_a_killed_exporter_left_is_replaced_and_nothing_else_is,
    somebody_elses_file_stays_at_the_end,
    wrong_paths_and_modes_are_refused,
    network_and_file_are_served_together,
])
