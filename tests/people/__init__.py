"""Tests of the people package."""
