"""Passwords, protected mode, and the narrower limits before AUTH. Caller: `__main__.py`."""

import socket

from place import error_of, expect, expect_like, raw


def auth_without_a_password(place):
    """AUTH where no password is set, and with too many words."""
    with place.server() as (_, link):
        expect_like(error_of(link, "AUTH", "foo"), "*any password*", "AUTH")
        expect_like(error_of(link, "AUTH", "a", "b", "c"), "*syntax error*", "AUTH with three words")


def auth_with_a_password(place):
    """Nothing but AUTH, HELLO, QUIT and RESET works before the password."""
    with place.server("--requirepass", "secret") as (server, link):
        expect_like(raw(server, b"SET a b\r\nQUIT\r\n").decode(), "-NOAUTH Authentication required.*+OK*", "SET")
        expect_like(raw(server, b"AUTH wrong\r\nQUIT\r\n").decode(), "-WRONGPASS*", "a wrong password")
        expect_like(raw(server, b"HELLO 3\r\nQUIT\r\n").decode(), "-NOAUTH HELLO must be called*", "HELLO without AUTH")
        known = place.client(server, password="secret")
        expect(known.set("a", 100), True, "SET after AUTH")
        expect(known.incr("a"), 101, "INCR after AUTH")
        named = place.client(server, username="default", password="secret")
        expect(named.get("a"), "101", "GET after AUTH with a name")
        answer = raw(server, b"HELLO 2 AUTH default secret\r\nGET a\r\nQUIT\r\n")
        expect(answer.endswith(b"$3\r\n101\r\n+OK\r\n"), True, "GET after HELLO AUTH")


def a_binary_password(place):
    """A password may hold any bytes."""
    with place.server() as (server, link):
        password = b"a\x00b\xaa\xffc"
        link.config_set("requirepass", password)
        expect_like(raw(server, b"*2\r\n$4\r\nAUTH\r\n$3\r\na\x00x\r\nQUIT\r\n").decode(), "-WRONGPASS*", "a wrong one")
        answer = raw(server, b"*2\r\n$4\r\nAUTH\r\n$%d\r\n%s\r\nQUIT\r\n" % (len(password), password))
        expect(answer, b"+OK\r\n+OK\r\n", "the right one")


def limits_before_auth(place):
    """A stranger may announce neither many words nor long ones."""
    with place.server("--requirepass", "secret") as (server, _):
        expect_like(raw(server, b"*100\r\n").decode(), "*unauthenticated multibulk length*", "a hundred words")
        expect_like(raw(server, b"*1\r\n$100000000\r\n").decode(), "*unauthenticated bulk length*", "a long word")


def output_limit_before_auth(place):
    """A stranger who does not read its errors is cut off after a few megabytes."""
    with place.server("--requirepass", "secret") as (server, _):
        sent = 0
        with socket.create_connection(("127.0.0.1", server.port), timeout=5) as link:
            try:
                for _ in range(400_000):
                    link.sendall(b"SET x 5\r\n" * 25)
                    sent += 25
            except OSError:
                pass
        expect(sent < 10_000_000, True, f"whether the stranger was cut off, after {sent} commands")
        expect(server.serves(), True, "whether the server lives")


def protected_mode(place):
    """Without a password only the loopback interface is served."""
    address = _own_address()
    if address is None:
        return
    with place.server() as (server, link):
        if error_of(link, "CONFIG", "SET", "bind", "*"):
            return

        def ask(data=b"PING\r\n"):
            with socket.create_connection((address, server.port), timeout=5) as other:
                other.sendall(data)
                return other.recv(2000).decode()

        expect_like(ask(), "-DENIED*", "a stranger in protected mode")
        link.config_set("requirepass", "secret")
        expect_like(ask(b"AUTH secret\r\n"), "+OK*", "a stranger with the password")
        link = place.client(server, password="secret")
        link.config_set("requirepass", "")
        link.config_set("protected-mode", "no")
        expect_like(ask(), "+PONG*", "a stranger without protected mode")


def _own_address():
    """An address of this machine that is not a loopback's."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # Nothing is sent: the kernel only picks the route.
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        address = probe.getsockname()[0]
    return None if address.startswith("127.") else address


TESTS = [
    auth_without_a_password,
    auth_with_a_password,
    a_binary_password,
    limits_before_auth,
    output_limit_before_auth,
    protected_mode,
]
