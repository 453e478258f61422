"""The serving process for apps."""
