"""The address of a scheduler, and how connections to it are secured."""

import contextlib
import ipaddress
import re
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from benchcli import files
from benchcli.errors import UserError
from benchcli.spelling import given

if TYPE_CHECKING:
    from distributed.security import Security

LOOPBACK = "127.0.0.1"
PORT = 8786
"""Dask's usual one."""
CERTIFICATES = ("ca.pem", "cert.pem", "key.pem")
"""The files of a folder for TLS."""
ROLES = ("client", "scheduler", "worker")


def address_for(text: str, tls: Path | None) -> str:
    """Return the address of a scheduler. Raises UserError if it is none, or does not fit what is given for TLS."""
    address = address_of(text)
    _refuse_unfit(tls, address)
    return address


def _refuse_unfit(tls: Path | None, address: str) -> None:
    scheme = urlsplit(address).scheme
    if (tls is None) == (scheme == "tls"):
        raise UserError(
            f"{address} asks for TLS: give {given('tls')}, a folder with {', '.join(CERTIFICATES)}"
            if tls is None
            else f"{given('tls')} is for addresses such as tls://HOST:{PORT}, not {address}"
        )


def security_of(tls: Path | None, address: str) -> "Security | None":
    """Return how a connection is secured. Raises UserError if a file lacks, or if an address and it do not fit."""
    _refuse_unfit(tls, address)
    if tls is None:
        return None
    for name in CERTIFICATES:
        if not files.is_file(tls / name):
            raise UserError(f"{tls} lacks {name}: a folder for TLS has {', '.join(CERTIFICATES)}")
    from distributed.security import Security

    own = {f"tls_{role}_{part}": str(tls / f"{part}.pem") for role in ROLES for part in ("cert", "key")}
    security = Security(tls_ca_file=str(tls / "ca.pem"), require_encryption=True, **own)
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:
        raise UserError(f"the files of {tls} are no certificates and key: {error}") from None
    return security


def address_of(text: str) -> str:
    """Return the address of a scheduler: tcp://HOST:PORT or tls://HOST:PORT. Raises UserError."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(text if "://" in text else f"tcp://{text}")
        host, port = parts.hostname or "", PORT if parts.port is None else parts.port
        if parts.scheme in ("tcp", "tls") and is_host(host) and port and not parts.path.strip("/"):
            return f"{parts.scheme}://{host}:{port}"
    raise UserError(
        f"{text!r} is no address of a scheduler: give one such as tcp://HOST:{PORT} or tls://HOST:{PORT}, by name or "
        "IPv4 address"
    )


def is_host(text: str) -> bool:
    """Return whether a text may be the name or the IPv4 address of a host."""
    return re.fullmatch(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?", text) is not None and len(text) < 254


def is_loopback(address: str) -> bool:
    """Return whether an address is of this machine alone."""
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address_towards(host: str) -> str:
    """Return the address of this machine by which others reach it that it reaches by `host`. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, PORT))  # sends nothing
        return str(probe.getsockname()[0])
