"""Models and the pictures they read. Knows nothing of Django, Celery, Qdrant or the environment."""
