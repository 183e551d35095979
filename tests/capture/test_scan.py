# SPDX-License-Identifier: GPL-2.0-or-later
"""siptls-scan, which ./audit ends with: the table, what to do, plain words for what went wrong, exit statuses."""

import shutil
import subprocess

import pytest

from conftest import CAPTURES, EXPECTED

ALL_DECIDED, AT_RISK, NOT_READ, UNDECIDED = 0, 1, 2, 3


def scan(host, *arguments):
    return host.run(host.scan, *arguments, check=False)


@pytest.mark.parametrize("name, status", (
    ("openssl-tls12-not-asked.pcapng", ALL_DECIDED), ("provider-renewal.pcapng", AT_RISK),
    ("gnutls-tls12-server-only-accepted.pcapng", ALL_DECIDED), ("openssl-tls12-anonymous.pcapng", UNDECIDED)))
def test_exit_status(host, name, status):
    done = scan(host, host.capture(name))
    assert done.returncode == status, done.out + done.err
    assert ("What to do" in done.out) == (name != "openssl-tls12-not-asked.pcapng")
    assert ("no all-clear" in done.out) == (status == UNDECIDED)


def test_every_connection_of_the_project_is_printed(host):
    done = scan(host, host.captures)
    assert done.returncode == AT_RISK
    lines = [line for line in done.out.splitlines() if " -> " in line]
    for statement in EXPECTED:
        if not statement.get("options"):
            words = [line.split() for line in lines if f"/{statement['file']} " in line]
            said = [(each[0], each[4]) for each in words]
            assert (statement["facts"]["impact"], statement["facts"]["reason"]) in said, statement["file"]


def test_what_to_do_names_every_endpoint_that_is_not_unaffected(host):
    done = scan(host, "--quiet", host.captures)
    table, advice = done.out.split("What to do\n")
    rows = [line for line in table.splitlines() if line.split(" ")[0] in ("failing", "at_risk", "undetermined", "tolerant")]
    said = [line for line in advice.splitlines() if line.startswith("  ") and not line.startswith("    ")]
    assert len(rows) == len(said) > 3


def test_what_to_do_comes_with_a_command_that_shows_why(host):
    done = scan(host, host.capture("provider-renewal.pcapng"))
    where, command = done.out.splitlines()[-2:]
    assert where.strip() == f"{host.capture('provider-renewal.pcapng')} frames 20-35"
    shown = host.run("sh", "-c", command.strip())
    assert len(shown.out.splitlines()) == 16 and "Certificate Request" in shown.out


def test_whose_server_it_is_decides_the_advice(host):
    capture = host.capture("provider-renewal.pcapng")
    assert "turn off client certificate verification" in scan(host, capture).out
    assert "turn off client certificate verification" in scan(host, "--own", "198.51.100.0/24", capture).out
    assert "not yours" in scan(host, "--own", "203.0.113.0/24", capture).out


def test_keys_decide_tls13(host):
    keys = host.file("keys.log", (host.recorder / "keys/openssl-tls13-no-keys-refused.log").read_bytes())
    done = scan(host, "--keylog", keys, host.capture("openssl-tls13-no-keys-refused.pcapng"))
    assert done.returncode == AT_RISK and "rejected_without_client_auth_eku" in done.out


def test_no_such_file(host):
    done = scan(host, "/no/such.pcapng", host.capture("openssl-tls12-not-asked.pcapng"))
    assert done.returncode == NOT_READ
    assert "/no/such.pcapng: no such file" in done.err
    assert "unaffected" in done.out


def test_not_a_capture(host):
    done = scan(host, host.file("notes.txt", b"hello\n" * 100))
    assert done.returncode == NOT_READ
    assert "notes.txt: not a capture file" in done.err


def test_texts_beside_captures_are_passed_over(host):
    """Wireshark takes some texts for captures: JSON for its own format, key logs for ERF, NDJSON for VWR."""
    folder = host.work / "mixed"
    folder.mkdir()
    (folder / "a.pcapng").write_bytes(host.capture("openssl-tls12-not-asked.pcapng").read_bytes())
    for text in (CAPTURES / "expected.ndjson", *(CAPTURES / "keys").glob("*.log")):
        (folder / text.name).write_bytes(text.read_bytes())
    (folder / "b.json").write_text('{"type": "none"}\n')
    texts = len(list(folder.iterdir())) - 1
    done = scan(host, folder)
    assert done.returncode == ALL_DECIDED and done.err == ""
    assert f"(1 connection in 1 file; {texts} other files passed over, not captures)" in done.out
    named = scan(host, folder / "b.json")
    assert named.returncode == NOT_READ and "b.json: not a capture file" in named.err


def test_no_permission(host):
    path = host.file("secret.pcapng", b"x")
    path.chmod(0)
    done = scan(host, path)
    assert done.returncode == NOT_READ
    assert "secret.pcapng: permission denied" in done.err


def test_capture_cut_short_keeps_what_was_in_it(host):
    whole = host.capture("openssl-tls12-not-asked.pcapng").read_bytes()
    done = scan(host, host.file("short.pcapng", whole[:-10]))
    assert done.returncode == NOT_READ
    assert "short.pcapng" in done.err and "cut short" in done.err
    assert "no_certificate_request" in done.out


def test_no_sip_in_it_names_the_ports_found(host):
    done = scan(host, host.capture("openssl-tls12-port-5071.pcapng"))
    assert done.returncode == UNDECIDED
    assert "--ports 5071" in done.out and "--any-port" in done.out and "decides nothing" in done.out
    assert scan(host, "--any-port", host.capture("openssl-tls12-port-5071.pcapng")).returncode == ALL_DECIDED
    assert scan(host, "--ports", "5071", host.capture("openssl-tls12-port-5071.pcapng")).returncode == ALL_DECIDED


def test_empty_folder_is_no_all_clear(host):
    folder = host.work / "empty"
    folder.mkdir()
    done = scan(host, folder)
    assert done.returncode == UNDECIDED
    assert "no all-clear" in done.out


@pytest.mark.parametrize("words", (
    (), ("--no-such-option", "x"), ("--own", "300.0.0.0/8", "x"), ("--ports", "sip", "x"), ("--ports", "5061-", "x"),
    ("--ports", "5080-5061", "x"), ("--ports", "70000", "x"), ("--ports", "", "x"), ("--keylog", "/no/such", "x"),
    ("--keylog", "/tmp", "x")))
def test_wrong_usage(host, words):
    done = scan(host, *words)
    assert done.returncode == NOT_READ and "siptls-scan: " in done.err and not done.out


@pytest.mark.parametrize("ports, sip", (("5071", True), ("1, 5070-5080", True), ("5061", False)))
def test_ports(host, ports, sip):
    done = scan(host, "--ports", ports, host.capture("openssl-tls12-port-5071.pcapng"))
    assert ("1 connection in 1 file" in done.out) == sip


def test_full_disk_is_no_success(host):
    command = [*host.unprivileged(), "sh", "-c", '"$0" "$1" > /dev/full', host.scan,
               host.capture("openssl-tls12-not-asked.pcapng")]
    done = subprocess.run(command, env=host.environment(True), stderr=subprocess.PIPE, check=False)
    assert done.returncode == NOT_READ and b"could not be written" in done.stderr


def test_what_lies_beside_the_program_does_not_matter(host):
    """Wireshark 4.4 looks there for lists of names, and may find anything."""
    folder = host.work / "beside"
    for name in ("hosts", "services", "manuf", "wka", "enterprises", "enterprises.tsv", "ethers", "ipxnets", "vlans"):
        (folder / name).mkdir(parents=True)
    program = shutil.copy(host.scan, folder)
    capture = host.capture("provider-renewal.pcapng")
    done = host.run(program, capture, check=False)
    assert (done.returncode, done.out, done.err) == (AT_RISK, scan(host, capture).out, "")
    shutil.rmtree(folder)
