"""The `tls` plugin's types by token. `serve(plugin())` is the process the engine starts."""

from region.plugins.base import Plugin
from region.plugins.tls import resources

VERSION = "5.6.2"


def plugin() -> Plugin:
    return Plugin(
        "tls",
        VERSION,
        {
            "tls:index/privateKey:PrivateKey": resources.PrivateKey(),
            "tls:index/certRequest:CertRequest": resources.CertRequest(),
            "tls:index/selfSignedCert:SelfSignedCert": resources.SelfSignedCert(),
            "tls:index/locallySignedCert:LocallySignedCert": resources.LocallySignedCert(),
        },
    )
