"""What the API offers: a module a resource, an endpoint a few lines over services and selectors."""
