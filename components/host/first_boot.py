"""What a machine is told before anybody can reach it, as a cloud-init document: a pure function, no Pulumi."""

import yaml

HOST_KEY = "/etc/ssh/ssh_host_ed25519_key"
# Steps on behalf of other machines come to a master all at once; a step that said so would reload sshd under them. And
# one may be silent for long: as long as its host lives, something is heard through the bastion.
SSHD = "MaxStartups 512\nMaxSessions 512\nClientAliveInterval 30\n"


def first_boot(*, hostname: str, host_private_key: str, host_public_key: str, authorized_key: str) -> str:
    """User data that gives a machine its name, the one SSH host key that connections pin, and the first user's key.

    All keys are in OpenSSH's formats. Nothing else belongs here: user data is read once in a machine's life, and
    everybody on the machine can read it, so what may change or must stay secret is a step's.
    """
    document = {
        "hostname": hostname,
        "preserve_hostname": False,
        # sudo and kubeadm look the host's own name up.
        "manage_etc_hosts": "localhost",
        "ssh_deletekeys": True,
        "ssh_keys": {"ed25519_private": host_private_key, "ed25519_public": host_public_key},
        "write_files": [
            # Images may make keys of other types at first boot, and clients that pin this one would be offered those.
            {"path": "/etc/ssh/sshd_config.d/10-host-key.conf", "content": f"HostKey {HOST_KEY}\n"},
            # Told this later, by ssh_pwauth alone, sshd is restarted by cloud-init under the first connection.
            {"path": "/etc/ssh/sshd_config.d/50-cloud-init.conf", "content": "PasswordAuthentication no\n"},
            {"path": "/etc/ssh/sshd_config.d/10-steps.conf", "content": SSHD},
        ],
        "ssh_authorized_keys": [authorized_key],
        "disable_root": True,
        "ssh_pwauth": False,
    }
    return f"#cloud-config\n{yaml.safe_dump(document, sort_keys=False, width=1000)}"
