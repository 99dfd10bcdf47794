"""What `make test` and `make check` need beyond the product."""
