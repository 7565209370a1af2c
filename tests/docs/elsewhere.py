# SPDX-License-Identifier: MIT
"""What its own test does not try of the documentation: which file does, and the words in it that
show it."""

COMMANDS = {
    # What the test itself is a part of.
    "./dev test": ("dev", "dev_test()"),
    "./dev build": ("dev", "dev_build()"),
    # Too long here, or they need a database.
    "./dev demo --seconds 30": ("tests/examples/forwarder_e2e.py", '"dnsperf"'),
    "./dev bench": ("tests/bench/bench_test.py", "bench.py"),
    "./dev bench --only record": ("tests/bench/bench_test.py", "--only"),
    "meson setup -Dtests=false --buildtype=release build/release":
        ("tests/support/stage.py", '"meson", "install"'),
    "meson install -C build/release && ldconfig": ("tests/support/stage.py", '"meson", "install"'),
    'postgres_collector --connect "host=db1 user=monitor" --prefix orders/':
        ("tests/examples/replication_e2e.py", "database.collector"),
    "REDISCLI_AUTH=secret redis_collector --connect 192.0.2.1:6379 --prefix cache/":
        ("tests/examples/replication_e2e.py", "database.collector"),
    "REDISCLI_AUTH=secret poll_redis cache=192.0.2.1:6379 queue=/run/redis/redis.sock":
        ("tests/examples/polling.py", '"poll_redis"'),
    "poll_kernel": ("tests/examples/collectors_e2e.py", '"poll_kernel")'),
    "poll_rocksdb /var/tmp": ("tests/examples/collectors_e2e.py", '"poll_rocksdb", "--interval-ms"'),
    # They take half a minute, or need a directory of root's.
    "google-pprof --text --seconds=30 http://127.0.0.1:10751/debug/pprof/profile":
        ("tests/exporter/pprof_e2e.py", '"google-pprof", "--text"'),
    "curl -o profile http://127.0.0.1:10751/debug/pprof/profile?seconds=30":
        ("tests/exporter/pprof_e2e.py", "/profile?seconds="),
    "ring-exporter --textfile /var/lib/prometheus/node-exporter --web.listen-address none":
        ("tests/exporter/textfile_e2e.py", '"--web.listen-address=none"'),
    "ring-exporter --textfile /var/lib/prometheus/node-exporter --once":
        ("tests/exporter/textfile_e2e.py", "--once"),
    # All exporters of a machine would be told, and these need options.
    "kill -HUP $(pidof ring-exporter)": ("tests/exporter/reload_e2e.py", "SIGHUP"),
    "curl -fsS -X POST http://127.0.0.1:10750/-/reload":
        ("tests/exporter/reload_e2e.py", "/-/reload"),
    # They are about the whole machine.
    "systemd-sysusers": ("tests/install/systemd_test.py", "systemd-sysusers --root"),
    "systemd-tmpfiles --create": ("tests/install/systemd_test.py", "systemd-tmpfiles --create"),
    "systemctl daemon-reload": ("tests/install/systemd_test.py", '"verify"'),
    "systemctl enable --now ring-exporter": ("tests/install/systemd_test.py", '"verify"'),
    # It waits for somebody to connect.
    "systemd-socket-activate -l 127.0.0.1:10750 ring-exporter --web.systemd-socket":
        ("tests/exporter/service_e2e.py", '"systemd-socket-activate", "-l"'),
    "docs/examples/replication/run.py": ("tests/examples/replication_e2e.py", '"run.py"'),
    "docs/examples/collectors/run.py": ("tests/examples/collectors_e2e.py", '"run.py"'),
    "docs/examples/fleet/run.py": ("tests/examples/fleet_e2e.py", '"run.py"'),
}
# Drop-ins of systemd's units.
LANGUAGES = {"ini": ("tests/install/systemd_test.py", "```ini")}
# Whole blocks, by their first line.
BLOCKS = {
    "export RING_DIR=$(mktemp -d)": ("tests/install/install_test.py", "docs/replication.md"),
}
