"""Background tasks: a Celery application, and the clients of outside services."""
