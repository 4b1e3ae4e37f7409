"""The operator's commands: the same on AWS and on the local region, for they know only the stack's outputs."""
