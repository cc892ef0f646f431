"""What people look at and click in a notebook."""
