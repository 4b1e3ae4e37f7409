"""The sweep: an interrupted run's orphans shown, confirmed and deleted."""

import click
from rich.console import Console
from rich.table import Table

from operate import orphans, removal
from operate.aws import Aws, explained
from operate.orphan import Orphan
from operate.stack_state import StackState, forget_creations

CONSOLE = Console(highlight=False)


def sweep(stack: str, *, is_agreed: bool) -> None:
    """Delete what the stack's cluster has in AWS and its state does not know. Raises ClickException."""
    state = StackState.read(stack)
    if not state.clusters:
        CONSOLE.print(f"Nothing to sweep: the state of stack {stack} names no cluster.")
        return
    aws = Aws.connect(state.region, state.profile)
    if state.account not in (None, aws.account):
        raise click.ClickException(
            f"stack {stack} is in AWS account {state.account}, and these credentials are of {aws.account}: "
            "use the ones that `pulumi up` is run with"
        )
    with explained("orphans cannot be looked for"):
        found = orphans.find(aws, state)
    if found:
        CONSOLE.print(_table(found, state, aws))
        if not is_agreed:
            click.confirm(f"Delete {'it' if len(found) == 1 else f'these {len(found)}'}?", abort=True)
    else:
        CONSOLE.print(
            f"No orphans: the state of stack {stack} knows all of cluster {', '.join(sorted(state.clusters))}."
        )
    if StackState.read(stack) != state:
        raise click.ClickException(f"stack {stack} was changed meanwhile: run the sweep again")
    removal.remove(aws, found, lambda line: CONSOLE.print(line, markup=False))
    if state.creating:
        forget_creations(stack, state)


def _table(found: list[Orphan], state: StackState, aws: Aws) -> Table:
    clusters = ", ".join(sorted(state.clusters))
    table = Table(
        "Type", "Name", "Id", "Why", title=f"Orphans of cluster {clusters} (account {aws.account}, {aws.region})"
    )
    for orphan in found:
        table.add_row(orphan.kind, orphan.name, orphan.identity, orphan.why)
    return table
