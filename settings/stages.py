"""The stages of a checkout: stacks that get their releases from one another, each with a file of its own."""

from collections.abc import Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pulumi

from settings import stack_files
from settings.birth import Past
from settings.reading import refuse_all
from settings.values import Settings


def check_stages(settings: Settings, past: Past) -> None:
    """Raises SettingsError when a stack that has no network yet would have another stage's addresses, or its name.

    One may be connected with another some day, and people take clusters of one name for one.
    """
    if past.networks:
        return
    problems, network = [], settings.network.vpc_cidr
    for name, other in other_stages(pulumi.get_stack()).items():
        if _overlap(network, other["vpcCidr"]):
            problems.append(f"vpcCidr is {network!r}: it overlaps {other['vpcCidr']} of stage {name}")
        if settings.kubernetes.cluster_name == other["clusterName"]:
            problems.append(f"clusterName is {other['clusterName']!r}: stage {name}'s cluster is called so")
    if problems:
        refuse_all(problems)


def _overlap(ours: str, theirs: object) -> bool:
    try:
        return IPv4Network(ours).overlaps(IPv4Network(theirs))
    except ValueError:
        return False  # what is wrong with theirs is said when they run


def other_stages(stack: str, folder: Path = stack_files.FOLDER) -> Mapping[str, Mapping[str, Any]]:
    """By name: the settings, defaults too, of all stages that `stack`'s releases come through or go to."""
    settings = {name: stack_files.settings(name, folder) for name in stack_files.names(folder)}
    line, more = set[str](), {stack}
    while more:
        line |= more
        more = {
            other
            for name, given in settings.items()
            for other in (name, given["promotedFrom"])
            if {name, given["promotedFrom"]} & line and other in settings
        } - line
    return {name: settings[name] for name in sorted(line - {stack})}
