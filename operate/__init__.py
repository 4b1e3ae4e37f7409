"""The operator's commands, the same on AWS and on the local region.

They know a cluster by its stack alone: `kubectl`, `ssh` and `etcd-health` by the outputs, `reset` by the state too, and
`sweep` by the state and by what AWS has.
"""
