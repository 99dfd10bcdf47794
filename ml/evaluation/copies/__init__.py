"""Whether edited copies are found and named: the edits, the plans, what the pixels prove."""
