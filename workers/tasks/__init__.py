"""Shells around the work: claim, call, record. The logic lives in the modules they call."""
