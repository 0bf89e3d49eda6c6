"""A disk that UEFI boots: a small FAT file system with the guest of efiguest.S on it."""

from __future__ import annotations

import struct
from pathlib import Path

GUEST = Path(__file__).with_name("efiguest.efi")
_SECTOR = 512
_SECTORS = 2048
_FAT_SECTORS = 6
_ROOT_ENTRIES = 16
_RESERVED = 1
_DATA = _RESERVED + _FAT_SECTORS + _ROOT_ENTRIES * 32 // _SECTOR
_END, _DIRECTORY = 0xFFF, 0x10


def make_disk(path: Path, program: bytes | None = None) -> Path:
    r"""Write a FAT12 file system of 1 MiB whose \EFI\BOOT\BOOTX64.EFI is `program`."""
    content = GUEST.read_bytes() if program is None else program
    clusters = -(-len(content) // _SECTOR)
    links = [0xFF8, _END, _END, _END, *range(5, 4 + clusters), _END]
    image = bytearray(_SECTORS * _SECTOR)
    image[0:_SECTOR] = _boot_sector()
    image[_SECTOR:_SECTOR * (1 + _FAT_SECTORS)] = _fat(links).ljust(
        _SECTOR * _FAT_SECTORS, b"\0")
    root = (_RESERVED + _FAT_SECTORS) * _SECTOR
    image[root:root + 32] = _entry(b"EFI", b"", _DIRECTORY, 2, 0)
    for cluster, parent, entry in (
            (2, 0, _entry(b"BOOT", b"", _DIRECTORY, 3, 0)),
            (3, 2, _entry(b"BOOTX64", b"EFI", 0x20, 4, len(content)))):
        where = (_DATA + cluster - 2) * _SECTOR
        image[where:where + 96] = (_entry(b".", b"", _DIRECTORY, cluster, 0)
                                   + _entry(b"..", b"", _DIRECTORY, parent, 0) + entry)
    start = (_DATA + 2) * _SECTOR
    image[start:start + len(content)] = content
    path.write_bytes(image)
    return path


def _boot_sector() -> bytes:
    head = struct.pack(
        "<3s8sHBHBHHBHHHIIBBBI11s8s", b"\xeb\x3c\x90", b"MSDOS5.0", _SECTOR, 1, _RESERVED, 1,
        _ROOT_ENTRIES, _SECTORS, 0xF8, _FAT_SECTORS, 32, 2, 0, 0, 0x80, 0, 0x29, 1,
        b"EFI GUEST  ", b"FAT12   ")
    return head.ljust(510, b"\0") + b"\x55\xaa"


def _fat(links: list[int]) -> bytes:
    if len(links) % 2:
        links = [*links, 0]
    packed = bytearray()
    for low, high in zip(links[::2], links[1::2], strict=True):
        packed += (low | high << 12).to_bytes(3, "little")
    return bytes(packed)


def _entry(name: bytes, extension: bytes, kind: int, cluster: int, size: int) -> bytes:
    return struct.pack("<8s3sB14xHI", name.ljust(8), extension.ljust(3), kind, cluster, size)
