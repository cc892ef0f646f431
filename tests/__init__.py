"""The tests of wsanalytics."""
