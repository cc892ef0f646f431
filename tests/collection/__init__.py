"""Tests of the collection package."""
