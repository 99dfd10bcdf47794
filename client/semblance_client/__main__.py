"""`python -m semblance_client` is the command `semblance`."""

from semblance_client.command.main import run

if __name__ == "__main__":
    run()
