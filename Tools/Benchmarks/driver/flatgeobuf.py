"""Reads from a FlatGeobuf file what a benchmark needs to know of it: how many features, and the box of each.

The boxes are the leaves of the packed index that the file carries (https://flatgeobuf.org: magic, header, index, features), so no
feature is read.
"""
import struct


class Unreadable(Exception):
    pass


class Header:
    """The numbers of the header; a flatbuffer, of which only two fields matter here."""

    COUNT = 8  # Header.features_count: ulong
    NODE_SIZE = 9  # Header.index_node_size: ushort, 16 where it is not written

    def __init__(self, file):
        magic = file.read(8)
        if magic[:3] != b"fgb" or magic[3] != 3:
            raise Unreadable(f"{file.name} is no FlatGeobuf of version 3")
        self.size = struct.unpack("<I", file.read(4))[0]
        table = file.read(self.size)
        root = struct.unpack_from("<I", table)[0]
        self.count = self._field(table, root, Header.COUNT, "<Q", 0)
        self.node_size = self._field(table, root, Header.NODE_SIZE, "<H", 16)

    @staticmethod
    def _field(table, root, number, form, default):
        fields = root - struct.unpack_from("<i", table, root)[0]
        if 4 + 2 * number >= struct.unpack_from("<H", table, fields)[0]:
            return default
        offset = struct.unpack_from("<H", table, fields + 4 + 2 * number)[0]
        return struct.unpack_from(form, table, root + offset)[0] if offset else default


def boxes(path):
    """(west, south, east, north) of every feature, in the order of the file."""
    with open(path, "rb") as file:
        header = Header(file)
        if header.node_size < 2 or header.count == 0:
            raise Unreadable(f"{path} has no spatial index")
        nodes = level = header.count
        while level > 1:
            level = -(-level // header.node_size)
            nodes += level
        file.seek(12 + header.size + 40 * (nodes - header.count))  # the root comes first, the leaves last
        leaves = file.read(40 * header.count)
    return [node[:4] for node in struct.iter_unpack("<4dQ", leaves)]
