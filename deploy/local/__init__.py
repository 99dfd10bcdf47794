"""All of Semblance on one machine: `make run`."""
