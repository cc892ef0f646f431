"""Tests of the aws package."""
