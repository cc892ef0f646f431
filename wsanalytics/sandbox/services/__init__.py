"""The services of AWS that the local endpoint answers for: one file a service."""
