"""The command line and a node's configuration."""
