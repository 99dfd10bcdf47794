"""Tags that pages of all apps use of watches."""
