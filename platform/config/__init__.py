"""Settings, addresses, logging: how the site is put together."""
