#!/usr/bin/env bash
# Lets the bastion's sshd hold as many connections at once as a parallel `pulumi up` opens: it never closes one, and
# OpenSSH's own limits drop handshakes from the tenth on. It does close the way to a host of which nothing is heard any more:
# a step there would be waited for without end. Run on the bastion, first of all steps. MADE_OF: what the bastion is.
set -euo pipefail

install_file /etc/ssh/sshd_config.d/10-steps.conf 0644 root:root <<'CONFIGURATION'
MaxStartups 512
MaxSessions 512
ClientAliveInterval 30
ChannelTimeout direct-tcpip=3m
CONFIGURATION
sshd -t || fail "sshd does not take its configuration; see above"
systemctl reload ssh
effective=$(sshd -T)
grep --quiet --line-regexp 'maxstartups 512:.*' <<<"$effective" || fail "sshd does not read /etc/ssh/sshd_config.d: $(grep maxstartups <<<"$effective")"
echo "the bastion ($MADE_OF) answers, and its sshd takes 512 connections at once"
