#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The exporter in its sandbox: that it is in it, and that it can do in it what it must.

usage: sandbox_e2e.py RING_EXPORTER RINGLOAD
"""
import os
import re
import shutil
import signal
import socket
import ssl

from credentials import TOKEN, Authority, tls_config, token_file, write
from alertmanager import Server
from place import main, wait_until
from programs import Exporter, Load
from tap import Skip

OTHER = TOKEN[::-1]
CAN_READ_FILES = 1 << 2  # CAP_DAC_READ_SEARCH


def statuses(exporter):
    """What the kernel says of each thread."""
    for thread in os.listdir(f"/proc/{exporter.pid}/task"):
        with open(f"/proc/{exporter.pid}/task/{thread}/status", encoding="utf-8") as status:
            yield dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)


def layers(exporter):
    page = exporter.page()
    return {layer: page.total("ring_exporter_sandbox", layer=layer)
            for layer in ("landlock", "seccomp")}


def sandboxed(place, *arguments, **options):
    exporter = Exporter(place, *arguments, **options)
    lacking = re.findall('the sandbox lacks a layer" layer="(.*?)"', exporter.said())
    assert layers(exporter) == {layer: layer not in lacking for layer in ("landlock", "seccomp")}
    if lacking:
        raise Skip(f"this kernel has no {lacking}")
    return exporter


def every_thread_is_in_it(place):
    exporter = sandboxed(place, "--alert.url=http://127.0.0.1:9", "--alert.allow-unreachable")
    found = list(statuses(exporter))
    assert {"drain", "serve", "notify", "passwords"} < {one["Name"] for one in found}, found
    for one in found:
        assert (one["NoNewPrivs"], one["Seccomp"]) == ("1", "2"), one
        for kind in ("CapInh", "CapPrm", "CapEff"):
            assert int(one[kind], 16) & ~CAN_READ_FILES == 0, one


def it_can_be_left_out(place):
    exporter = Exporter(place, "--no-sandbox")
    assert layers(exporter) == {"landlock": 0, "seccomp": 0}
    assert {one["Seccomp"] for one in statuses(exporter)} == {"0"}


def segments_are_followed_into_a_new_directory(place):
    real, other = os.path.join(place.folder, "one"), os.path.join(place.folder, "two")
    os.mkdir(real)
    os.symlink(real, place.segments)
    exporter = sandboxed(place)
    Load(place, "first")
    exporter.page_when(lambda page: page.total("ring_segment_up", segment="first") == 1, "first")
    shutil.rmtree(real)
    os.mkdir(real)
    Load(place, "second")
    exporter.page_when(lambda page: page.total("ring_segment_up", segment="second") == 1, "second")
    os.mkdir(other)
    os.unlink(place.segments)
    os.symlink(other, place.segments)
    Load(place, "third")
    exporter.page_when(lambda page: page.total("ring_segment_up", segment="third") == 1, "third")


def mount_secret(place, version, token):
    """As Kubernetes does: a link to a link to a directory that is new each time."""
    folder = os.path.join(place.folder, "secret")
    os.makedirs(os.path.join(folder, version))
    token_file(place, f"secret/{version}/token", token)
    os.symlink(version, os.path.join(folder, "..new"))
    os.rename(os.path.join(folder, "..new"), os.path.join(folder, "..data"))
    if not os.path.islink(os.path.join(folder, "token")):
        os.symlink("..data/token", os.path.join(folder, "token"))
    return os.path.join(folder, "token")


def tokens_behind_links_are_read_again(place):
    path = mount_secret(place, "..1", TOKEN)
    exporter = Exporter(place, "--web.token-file", path)
    assert exporter.get(Authorization=f"Bearer {TOKEN}")[0] == 200
    mount_secret(place, "..2", OTHER)
    wait_until(lambda: exporter.get(Authorization=f"Bearer {OTHER}")[0] == 200, "the new one")
    assert exporter.get(Authorization=f"Bearer {TOKEN}")[0] == 401


def the_configuration_is_read_again(place):
    os.mkdir(os.path.join(place.folder, "run"))
    place.segments = os.path.join(place.folder, "run", "ring")
    config = write(place, "ring.yml", "log: {level: info}\n")
    exporter = sandboxed(place, "--config.file", config)
    write(place, "ring.yml", "log: {level: debug}\n")
    exporter.send_signal(signal.SIGHUP)
    wait_until(lambda: exporter.get("/-/ready")[0] == 200 and 'level="debug"' in exporter.said(),
               "it says more")


def files_elsewhere_cannot_be_named_later(place):
    authority = Authority(place)
    for folder in ("here", "there", "run"):
        os.mkdir(os.path.join(place.folder, folder))
    place.segments = os.path.join(place.folder, "run", "ring")  # what is beside it can be read
    authority.sign("server", "serverAuth")
    for name in ("server.pem", "server.key"):
        for folder in ("here", "there"):
            shutil.copy(authority.path(name), os.path.join(place.folder, folder, name))
    config = write(place, "here/web.yml", tls_config())
    exporter = sandboxed(place, "--web.config.file", config, tls=authority.context())
    write(place, "here/web.yml", tls_config(cert="../there/server"))

    def refused():
        exporter.get("/-/ready")
        return "there/server.pem: Permission denied" in exporter.said()
    wait_until(refused, "the other directory is refused")
    assert exporter.get()[0] == 200


def alertmanagers_are_found_by_name(place):
    try:
        host = socket.gethostname()
        address = socket.gethostbyname(host)
    except OSError as reason:
        raise Skip("this machine's name stands for nothing") from reason
    with Server(lambda handler: handler.answer(200), address) as server:
        url = f"http://{host}:{server.server_address[1]}"
        # Allowed to be unreachable, it is not looked up before the sandbox is there.
        exporter = sandboxed(place, "--alert.allow-unreachable", f"--alert.url={url}")
        exporter.page_when(lambda page: page.total("ring_exporter_alertmanager_up") == 1, "it is up")


def alertmanagers_certificates_are_judged(place):
    authority = Authority(place)
    authority.sign("server", "serverAuth")
    with Server(lambda handler: handler.answer(200)) as server:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(authority.path("server.pem"), authority.path("server.key"))
        server.socket = context.wrap_socket(server.socket, server_side=True)
        exporter = sandboxed(place, "--alert.allow-unreachable",
                             f"--alert.url={server.url.replace('http', 'https')}")
        # Not that there was nothing to judge it by.
        exporter.await_word("alertmanager cannot be told.*unable to get local issuer certificate")


main([
    every_thread_is_in_it,
    it_can_be_left_out,
    segments_are_followed_into_a_new_directory,
    tokens_behind_links_are_read_again,
    the_configuration_is_read_again,
    files_elsewhere_cannot_be_named_later,
    alertmanagers_are_found_by_name,
    alertmanagers_certificates_are_judged,
])
