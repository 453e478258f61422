"""What the command tells an operator who asked for something that cannot be done."""


class OperatorError(Exception):
    """Ends the command with one readable line on standard error and exit code 2."""
