"""Tests of the ground package."""
