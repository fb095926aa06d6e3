"""Two hosts on one machine: network namespaces joined by a veth pair, with packets dropped on order."""
import ctypes
import os
import shutil
import subprocess
import unittest

_libc = ctypes.CDLL(None, use_errno=True)
CLONE_NEWNET = 0x40000000


def inside(side, *command):
    """The command line that runs a command in a namespace. (`ip netns exec` would also make a mount
    namespace, which is refused where the root is no mount point, as in a chroot.)"""
    return ("nsenter", f"--net=/run/netns/{side}", *command)


def _run(*command, input=None):
    done = subprocess.run(command, capture_output=True, text=True, input=input)
    if done.returncode:
        raise OSError(f"{' '.join(command)}: {done.stderr.strip()}")


class LossyLink:
    """
    Namespaces "client" (10.77.0.1, fd77::1) and "server" (10.77.0.2, fd77::2). drop_tenth() drops
    every tenth TCP segment with data that arrives at the server, heal() ends that. (Dropped on the
    way out, the sender's TCP would know of it and not count a retransmit.)
    """

    client_address, server_address = "10.77.0.1", "10.77.0.2"
    client_address6, server_address6 = "fd77::1", "fd77::2"

    def __enter__(self):
        for tool in ("ip", "nft"):
            if not shutil.which(tool):
                raise unittest.SkipTest(f"{tool} is not installed")
        self.client, self.server = (f"ks{os.getpid()}{side}" for side in "cs")
        try:
            self._make()
        except OSError as error:
            self.__exit__()
            raise unittest.SkipTest(f"no network namespaces here: {error}")
        return self

    def _make(self):
        _run("ip", "netns", "add", self.client)
        _run("ip", "netns", "add", self.server)
        _run(*inside(self.client, "ip", "link", "add", "eth0", "type", "veth", "peer", "name",
                     "eth0", "netns", self.server))
        for name, v4, v6 in ((self.client, self.client_address, self.client_address6),
                             (self.server, self.server_address, self.server_address6)):
            _run(*inside(name, "ip", "addr", "add", v4 + "/24", "dev", "eth0"))
            _run(*inside(name, "ip", "addr", "add", v6 + "/64", "dev", "eth0", "nodad"))
            _run(*inside(name, "ip", "link", "set", "eth0", "up"))
            _run(*inside(name, "ip", "link", "set", "lo", "up"))

    def __exit__(self, *_):
        for name in (self.client, self.server):
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)

    def nft(self, side, text):
        _run(*inside(side, "nft", "-f", "-"), input=text)

    def drop_tenth(self):
        self.nft(self.server, """
            table inet loss {
              chain in {
                type filter hook prerouting priority 0;
                meta l4proto tcp meta length > 100 numgen inc mod 10 == 0 drop
              }
            }
            """)

    def heal(self):
        self.nft(self.server, "flush ruleset")

    @staticmethod
    def enter(side):
        """Moves the calling process into a namespace."""
        with open(f"/run/netns/{side}", "rb") as namespace:
            if _libc.setns(namespace.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")
