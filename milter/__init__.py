"""The email blackmail filter: recognises extortion by mail and says why in plain words."""

__version__ = "0.1.0"
