"""Tests of the upstream client, against the sandbox's upstream and raw sockets."""
