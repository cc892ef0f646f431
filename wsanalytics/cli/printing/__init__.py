"""Results as short, well-set tables and lines on a terminal."""
