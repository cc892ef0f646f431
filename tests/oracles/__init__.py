"""Slow and obvious second opinions, written from the contract without importing wsanalytics."""
