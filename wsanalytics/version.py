"""The version of this package: read by the packaging, the journal, plans and calls to AWS."""

__version__ = "0.1.0"
