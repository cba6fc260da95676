"""The IPv4 addresses of this machine, which the standard library cannot list: getifaddrs through ctypes.

Used only for CIDR binds, so ctypes is imported when it is asked for. Where there is no getifaddrs (Windows), the names
that the machine's own host name resolves to are taken.
"""

from __future__ import annotations

import socket
import sys
from typing import Any


def local_addresses() -> list[str]:
    """The IPv4 addresses of all interfaces that are up, in the system's order."""
    if sys.platform == "win32":
        return sorted({str(info[4][0]) for info in socket.getaddrinfo(socket.gethostname(), None, socket.AF_INET)})
    import ctypes

    class Ifaddrs(ctypes.Structure):
        pass

    # The head of struct ifaddrs is the same on Linux, macOS and the BSDs; only the first five fields are read.
    Ifaddrs._fields_ = [
        ("next", ctypes.POINTER(Ifaddrs)),
        ("name", ctypes.c_char_p),
        ("flags", ctypes.c_uint),
        ("addr", ctypes.POINTER(ctypes.c_ubyte * 8)),
        ("netmask", ctypes.c_void_p),
    ]
    libc = ctypes.CDLL(None)
    first = ctypes.POINTER(Ifaddrs)()
    if libc.getifaddrs(ctypes.byref(first)) != 0:
        return []
    found: list[str] = []
    try:
        entry: Any = first
        while entry:
            record = entry.contents
            if record.addr and record.flags & 1:  # IFF_UP
                raw = bytes(record.addr.contents)
                # sa_family is the first two bytes on Linux, the second byte (behind sa_len) elsewhere.
                family = int.from_bytes(raw[:2], sys.byteorder) if sys.platform == "linux" else raw[1]
                if family == socket.AF_INET:
                    found.append(socket.inet_ntop(socket.AF_INET, raw[4:8]))
            entry = record.next
    finally:
        libc.freeifaddrs(first)
    return list(dict.fromkeys(found))
