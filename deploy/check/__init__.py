"""What `make test` needs beyond the product."""
