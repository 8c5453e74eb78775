"""The suite's version, which every signature names; apart from the package, which imports what programs want of it."""

__version__ = "0.3.0"
