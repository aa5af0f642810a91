"""The fixtures of this room; what they are made of is in ``connectors_world``."""

from connectors_world import files, make_source, rest, server
from servers.s3 import s3_server
from servers.sftp import sftp_server

__all__ = ["files", "make_source", "rest", "s3_server", "server", "sftp_server"]
