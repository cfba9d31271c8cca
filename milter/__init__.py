"""The email blackmail filter: recognises extortion by mail and says why in plain words."""

import os

__version__ = "0.1.0"

# Plug-ins of pydantic have no say here, and looking for them among all packages takes longer than reading the settings.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
