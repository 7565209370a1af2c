#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What is installed for systemd, judged by systemd's own tools; users, groups and the directory of
segments are tried with real processes, in a mount namespace where they are the machine's.

usage: systemd_test.py SOURCE BUILD RING_EXPORTER RINGLOAD
"""
import json
import os
import pathlib
import re
import sys

sys.path.append(sys.path[0] + "/../support")  # where tap, place and programs are
from place import PATHS, main, run
from tap import Skip

SOURCE, BUILD = map(pathlib.Path, sys.argv[1:3])
UNITS = SOURCE / "contrib/systemd"


def output_of(*command, **options):
    done = run(*command, text=True, **options)
    assert done.returncode == 0, done
    return done.stdout


def units_in(place):
    """Both units, with the program where it has been built."""
    service = (BUILD / "contrib/systemd/ring-exporter.service").read_text()
    folder = pathlib.Path(place.folder) / "units"
    folder.mkdir()
    (folder / "ring-exporter.service").write_text(re.sub(
        r"(?<=^ExecStart=)\S+", os.path.abspath(PATHS["ring-exporter"]), service, flags=re.M))
    (folder / "ring-exporter.socket").write_text((UNITS / "ring-exporter.socket").read_text())
    return folder


def verify(folder):
    return run("systemd-analyze", "verify", folder / "ring-exporter.service",
               folder / "ring-exporter.socket", text=True)


def everything_is_installed_where_systemd_looks(_):
    options = {one["name"]: one["value"] for one in
               json.loads(output_of("meson", "introspect", "--buildoptions", BUILD))}
    installed = json.loads(output_of("meson", "introspect", "--installed", BUILD))
    there = set(installed.values())
    for option, name in (("systemdsystemunitdir", "ring-exporter.service"),
                         ("systemdsystemunitdir", "ring-exporter.socket"),
                         ("sysusersdir", "ring-exporter.conf"),
                         ("tmpfilesdir", "ring-exporter.conf")):
        path = os.path.join(options["prefix"], options[option], name)
        assert path in there, (path, there)
    program = os.path.join(options["prefix"], options["bindir"], "ring-exporter")
    service = (BUILD / "contrib/systemd/ring-exporter.service").read_text()
    assert program in there and f"\nExecStart={program} $ARGS\n" in service, service


def units_are_without_fault(place):
    folder = units_in(place)
    done = verify(folder)
    assert (done.returncode, done.stderr) == (0, ""), done
    broken = folder / "ring-exporter.service"
    broken.write_text(broken.read_text().replace("Type=notify", "Type=notified"))
    assert "notified" in verify(folder).stderr


def documented_drop_ins_are_without_fault(place):
    folder = units_in(place)
    drop_ins = folder / "ring-exporter.service.d"
    drop_ins.mkdir()
    found = re.findall(r"```ini\n(.*?)```", (SOURCE / "docs/service.md").read_text(), re.S)
    assert found
    for number, text in enumerate(found):
        (drop_ins / f"{number}.conf").write_text(text)
    done = verify(folder)
    assert (done.returncode, done.stderr) == (0, ""), done


def the_service_is_exposed_to_little(place):
    folder = units_in(place)
    done = run("systemd-analyze", "security", "--offline=true", "--threshold=15",
               folder / "ring-exporter.service", text=True)
    assert done.returncode == 0, done.stdout


def system_calls(name, seen):
    """Those of a group, with the groups that are in it."""
    if not name.startswith("@"):
        return {name}
    if name not in seen:
        seen[name] = {word for word in re.findall(
            r"^ +(@?[a-z]\S*)$", output_of("systemd-analyze", "syscall-filter", name), re.M)}
    return set().union(*(system_calls(one, seen) for one in seen[name]))


def the_unit_allows_the_calls_that_the_sandbox_allows(_):
    allowed, seen = set(), {}
    unit = (UNITS / "ring-exporter.service.in").read_text()
    for line in re.findall(r"^SystemCallFilter=(.*)$", unit, re.M):
        named = set().union(*(system_calls(one, seen) for one in line.lstrip("~").split()))
        allowed = allowed - named if line.startswith("~") else allowed | named
    code = (SOURCE / "exporter/system/sandbox_calls.c").read_text()
    needed = set(re.findall(r"CALL\((\w+)\)", code)) - {"name"}
    assert len(needed) > 80
    needed |= {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"}
    assert needed <= allowed, needed - allowed


# In a mount namespace: the machine's users and those of the service, and an empty /run.
LIVE = """
sysusers=$1 tmpfiles=$2 root=$3 exporter=$4 ringload=$5
mkdir -p "$root/etc"
cp /etc/passwd /etc/group "$root/etc"
systemd-sysusers --root="$root" "$sysusers"
mount --bind "$root/etc/passwd" /etc/passwd
mount --bind "$root/etc/group" /etc/group
mount -t tmpfs none /run
systemd-tmpfiles --create "$tmpfiles"
member() { # of a group, and nobody else
	setpriv --reuid 65533 --regid 65533 --groups "$(getent group "$1" | cut -d : -f 3)" "${@:2}"
}
service() {
	setpriv --reuid ring-exporter --regid ring-exporter --init-groups "$@"
}
member ring "$ringload" --name seg --samples 1 < /dev/null | head -n 1
stat -c '%A %U:%G' /run/ring
stat -c '%A %G' /run/ring/seg
service "$exporter" --once | grep '^ring_segment_up'
for who in service 'member ring-readers' 'member nogroup'; do
	$who touch /run/ring/file 2>&1 | grep -o 'Permission denied'
	$who cat /run/ring/seg 2>&1 > /dev/null | grep -o 'Permission denied' || echo 'reads'
done
"""


def writers_make_segments_and_readers_read_them(place):
    if os.geteuid() != 0 or run("unshare", "-m", "true").returncode != 0:
        raise Skip("making users and mounting need root")
    done = run("unshare", "-m", "bash", "-eu", "-c", LIVE, "bash",
               UNITS / "sysusers.d/ring-exporter.conf", UNITS / "tmpfiles.d/ring-exporter.conf",
               os.path.join(place.folder, "root"), PATHS["ring-exporter"], PATHS["ringload"],
               text=True)
    lines = done.stdout.splitlines()
    assert done.returncode == 0, done
    assert lines[1:] == [
        "drwxrws--- root:ring-readers", "-rw-r----- ring-readers",
        'ring_segment_up{segment="seg"} 0',
        "Permission denied", "reads",
        "Permission denied", "reads",
        "Permission denied", "Permission denied"], lines


main([
    everything_is_installed_where_systemd_looks,
    units_are_without_fault,
    documented_drop_ins_are_without_fault,
    the_service_is_exposed_to_little,
    the_unit_allows_the_calls_that_the_sandbox_allows,
    writers_make_segments_and_readers_read_them,
])
