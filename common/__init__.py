"""What the API, the worker and the operators' command share."""
