"""Pictures of known media: what is said of each, and how often that is right."""
