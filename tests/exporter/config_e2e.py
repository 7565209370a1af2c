#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The exporter with a configuration file: what it starts with, and what it finds wrong before.

usage: config_e2e.py RING_EXPORTER
"""
import json
import os
import re
import socket
import sys

from credentials import TOKEN, Authority, bcrypt, tls_config, token_file, users, write
from place import DEADLINE_S, Program, main, run, wait_until
from programs import Exporter

SOUND = b"ring-exporter: configuration is sound\n"


def page_of_documentation():
    with open(f"{sys.path[0]}/../../docs/configuration.md", encoding="utf-8") as page:
        return page.read()


def check(place, *arguments, config=None):
    """The result of a check of this file, and what else it is told."""
    path = [f"--config.file={write(place, 'exporter.yml', config)}"] if config is not None else []
    return run("ring-exporter", "--config.check", *path, *arguments)


def is_sound(place, *arguments, config=None):
    done = check(place, *arguments, config=config)
    assert (done.returncode, done.stdout, done.stderr) == (0, SOUND, b""), (arguments, config, done)


def is_unsound(place, object_, *arguments, config=None):
    """Returns the reason."""
    done = check(place, *arguments, config=config)
    said = done.stderr.decode()
    assert (done.returncode, done.stdout, said.count("\n")) == (2, b"", 1), (arguments, done)
    assert said.startswith(f"ring-exporter: {object_}: "), (arguments, said)
    return said


def exporter_starts_with_a_file(place):
    path = write(place, "exporter.yml", f"""
dir: {place.folder}/segments
web:
  listen-address: ["127.0.0.1:0", "unix:{place.folder}/socket"]
  telemetry-path: /m
log: {{level: debug, format: json}}
""")
    program = Program(place, "ring-exporter", f"--config.file={path}")
    wait_until(lambda: program.said().count('"listening"') == 2, "two listeners")
    assert [json.loads(line)["msg"] for line in program.said().splitlines()]
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(DEADLINE_S)
        client.connect(f"{place.folder}/socket")
        client.sendall(b"GET /m HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        assert client.recv(12) in (b"HTTP/1.1 200", b"HTTP/1.1 503")
    assert os.path.isdir(f"{place.folder}/segments")
    assert program.end() == 0


def command_line_counts_key_by_key(place):
    """The harness gives the directory and an address, so nothing may be left of the file's."""
    path = write(place, "exporter.yml", f"""
dir: {place.folder}/other
web:
  listen-address: ["127.0.0.1:1", "unix:{place.folder}/socket"]
  telemetry-path: /m
""")
    exporter = Exporter(place, f"--config.file={path}")
    assert exporter.get("/m")[0] == 200
    assert not os.path.exists(f"{place.folder}/socket")
    assert not os.path.exists(f"{place.folder}/other")
    assert exporter.said().count("listening") == 1


def example_of_the_documentation_is_sound_and_its_fault_is_said_so(place):
    page = page_of_documentation()
    [text] = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    [fault] = re.findall(r"```text\nring-exporter: /etc/ring/exporter.yml(:.*\n)```", page)
    is_sound(place, config=text)
    said = is_unsound(place, f"{place.folder}/exporter.yml:4",
                      config=text.replace("max-connections: 64", "max-connections: 0"))
    assert said == f"ring-exporter: {place.folder}/exporter.yml{fault}"


def check_reads_all_there_is_to_read(place):
    Authority(place).sign("server", "serverAuth")
    tokens = token_file(place, "tokens", TOKEN)
    web = write(place, "web.yml", tls_config() + users(alice=bcrypt("x")))
    is_sound(place)
    is_sound(place, config="{}")
    is_sound(place, config=f"web: {{token-file: [{tokens}], config.file: {web}}}\n")
    is_unsound(place, f"{place.folder}/exporter.yml:1", config="a: b\n")
    is_unsound(place, "--log.level", "--log.level=loud", config="{}")
    is_unsound(place, f"{place.folder}/no", config=f"web.token-file: [{place.folder}/no]\n")
    write(place, "tokens", "short\n")
    is_unsound(place, tokens, config=f"web.token-file: [{tokens}]\n")
    write(place, "web.yml", tls_config(cert="no"))
    is_unsound(place, "--web.config.file", config=f"web.config.file: {web}\n")
    is_sound(place, config=f"textfile: {place.folder}\n")
    is_unsound(place, f"{place.folder}/no", config=f"textfile: {place.folder}/no\n")
    is_unsound(place, web, config=f"textfile: {web}\n")
    is_unsound(place, "--alert.url", config="alert.url: [http://h:1, http://h:1/]\n")


def check_opens_nothing(place):
    """Neither a taken port, a textfile that is another's, nor an Alertmanager that is not there
    matters; nothing is left."""
    exporter = Exporter(place, f"--textfile={place.folder}")
    is_sound(place, f"--dir={place.folder}/other", "--alert.url=http://127.0.0.1:9",
             f"--web.listen-address={exporter.host}:{exporter.port}",
             f"--web.listen-address=unix:{place.folder}/socket", f"--textfile={place.folder}")
    assert not os.path.exists(f"{place.folder}/other")
    assert not os.path.exists(f"{place.folder}/socket")


def X2_check_says_what_would_be_open_to_other_machines(place):
    tokens = token_file(place, "tokens", TOKEN)
    for address in (":0", "0.0.0.0:0", "[::]:0", "192.0.2.1:0"):
        config = f"web:\n  listen-address: [\"{address}\"]\n"
        assert "other machines can reach it" in is_unsound(place, address, config=config)
        is_sound(place, config=config + f"  token-file: [{tokens}]\n")
    is_sound(place, config=f"web.listen-address: [\"unix:{place.folder}/socket\"]\n")


main([
    exporter_starts_with_a_file,
    command_line_counts_key_by_key,
    example_of_the_documentation_is_sound_and_its_fault_is_said_so,
    check_reads_all_there_is_to_read,
    check_opens_nothing,
    X2_check_says_what_would_be_open_to_other_machines,
])
