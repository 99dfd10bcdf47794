"""The command `semblance`: what the client does, by hand and in shell scripts."""
