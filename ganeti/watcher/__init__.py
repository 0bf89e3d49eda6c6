"""The watcher, run from cron on every node: sees that daemons, instances and disks are as wanted.

It decides nothing that an administrator has not decided before: what it starts should be running.
"""
