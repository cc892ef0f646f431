"""Rules that choose settings through time, one short file each."""
