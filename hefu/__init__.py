"""The command line and a node's configuration."""

__version__ = "0.1.0"
