"""portalgen turns a practice's folder of text into a static site with a private page per client."""

__version__ = "0.1.0"
