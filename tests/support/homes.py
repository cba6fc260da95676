"""Homes of rotom in which something is written down."""

import json
import os

from rotom.config import load
from rotom.running import NAME


def noted(home, *addresses):
    """The configuration of a home in which a server of this process is written down."""
    home.mkdir(mode=0o700, exist_ok=True)
    entry = {"addresses": addresses, "auth_file": str(home / "auth.json"), "provider": None, "pid": os.getpid()}
    (home / NAME).write_text(json.dumps(entry))
    (home / NAME).chmod(0o600)
    return load({}, {"ROTOM_HOME": str(home)}).config
