"""What the tests share: fleets, plans, sandboxes, fakes."""
