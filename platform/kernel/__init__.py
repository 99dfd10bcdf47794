"""What every part shares: errors, ids, hashes, task names. No models, no I/O."""
