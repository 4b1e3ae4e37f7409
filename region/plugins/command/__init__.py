"""Stands in for the `command` plugin: steps on hosts over SSH, copied files, local commands."""
