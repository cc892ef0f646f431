"""The command ``completion``: a script for the shell. Nothing is written anywhere."""

from __future__ import annotations

import sys
from typing import Annotated, Literal, cast

from wsanalytics.cli.options import command, subject

SHELLS = ("bash", "zsh", "fish")


@command("Print a script that completes the commands and options of wsanalytics. It is made for "
         "this version: make it again after an update.",
         'eval "$(wsanalytics completion bash)"     (in ~/.bashrc)',
         "wsanalytics completion zsh > ~/.zfunc/_wsanalytics     (a folder of fpath)",
         "wsanalytics completion fish > ~/.config/fish/completions/wsanalytics.fish",
         has_json=False)
def completion(
    shell: Annotated[str, subject("bash, zsh or fish", "SHELL", choices=SHELLS)], /
) -> None:
    """Print the completion script of a shell."""
    from wsanalytics.cli.app import NAME, build_app, command_in
    from wsanalytics.cli.option_table import all_commands

    root = build_app()
    for words in all_commands():
        command_in(root, words)
    script = root.generate_completion(
        prog_name=NAME, shell=cast("Literal['bash', 'zsh', 'fish']", shell))
    sys.stdout.write(script if script.endswith("\n") else f"{script}\n")
