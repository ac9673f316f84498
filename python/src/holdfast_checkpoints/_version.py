"""The version, which equals that of the command line in the wheel."""

__version__ = "0.1.0"
