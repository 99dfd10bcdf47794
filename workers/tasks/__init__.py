"""Shells around the work: claim, call, record. The logic lives in the modules they call.

Those are imported by the first task that needs them: the process that only hands out work to its
children needs neither models nor rows, which are 120 MB.
"""
