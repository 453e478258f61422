"""What the command tells an operator who asked for something that cannot be done."""

import click


class OperatorError(click.ClickException):
    """One readable line on standard error, exit code 2."""

    exit_code = 2

    def show(self, file: object = None) -> None:
        """Print the line, without a traceback."""
        click.echo(f"saferoute: {self.message}", err=True)
