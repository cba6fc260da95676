"""rotom: a local gateway from OpenAI- and Anthropic-compatible clients to the models behind a person's own login.

Nothing is imported here: setup.cfg reads the version from this file, and `rotom --version` must be quick.
"""

__version__ = "0.1.0"
