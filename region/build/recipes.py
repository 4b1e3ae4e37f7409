"""What the toolchain is built from, tool by tool."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from region.build.edits import FUNCTIONS_FOR_METHODS, ONE_BACKEND, WITHOUT_CLOUDS, Edit

KUBERNETES = "1.37.2"
PULUMI = "3.276.0"


@dataclass(frozen=True, kw_only=True)
class Tool:
    """The binaries of one Go module by their packages; `.` is a main of our own in the tool's folder."""

    binaries: Mapping[str, str]
    edits: Sequence[Edit] = ()
    variables: Mapping[str, str] = field(default_factory=dict)  # -X, what upstream's release build stamps
    tags: str = ""

    @property
    def linker_flags(self) -> str:
        return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in self.variables.items())])


def _below(prefix: str, *paths: str) -> dict[str, str]:
    return {path.rpartition("/")[2]: f"{prefix}/{path}" for path in paths}


def _kubernetes_stamps() -> dict[str, str]:
    major, minor, _ = KUBERNETES.split(".")
    version = {"gitVersion": f"v{KUBERNETES}", "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
    # kubeadm's version-skew logic reads the stamp; without it every version is v1.0.0 (reference: constants.go).
    packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
    return {f"{package}.{name}": value for package in packages for name, value in version.items()}


RECIPES: Mapping[str, Tool] = {
    "kubernetes": Tool(
        binaries=_below(
            "k8s.io/kubernetes/cmd",
            *("kubeadm", "kubelet", "kubectl"),
            *("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"),
        ),
        edits=FUNCTIONS_FOR_METHODS,
        variables=_kubernetes_stamps(),
    ),
    "pulumi": Tool(
        binaries={"pulumi": "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"},
        edits=WITHOUT_CLOUDS,
        tags="osusergo,grpcnotrace",
        variables={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": f"v{PULUMI}"},
    ),
    "coredns": Tool(binaries={"coredns": "."}, tags="grpcnotrace"),
    "flannel": Tool(
        binaries={
            "flanneld": "github.com/flannel-io/flannel",
            "install-conf": "github.com/flannel-io/flannel/cmd/install_conf",
        },
        edits=ONE_BACKEND,
    ),
    "etcd": Tool(
        binaries={
            "etcd": "go.etcd.io/etcd/server/v3",
            "etcdctl": "go.etcd.io/etcd/etcdctl/v3",
            "etcdutl": "go.etcd.io/etcd/etcdutl/v3",
        },
    ),
    "crictl": Tool(
        binaries={"crictl": "sigs.k8s.io/cri-tools/cmd/crictl"},
        variables={"sigs.k8s.io/cri-tools/pkg/version.Version": "v1.37.0"},
    ),
    "pulumi-language-python": Tool(
        binaries={"pulumi-language-python": "github.com/pulumi/pulumi/sdk/v3/python/cmd/pulumi-language-python"},
    ),
    "cni": Tool(
        binaries=_below(
            "github.com/containernetworking/plugins/plugins",
            *("main/bridge", "main/loopback", "ipam/host-local", "meta/portmap", "meta/bandwidth"),
        ),
    ),
    "flannel-cni": Tool(binaries=_below("github.com/containernetworking/plugins/plugins", "meta/flannel")),
}
"""In the order in which they are begun: the one that takes longest first, all others beside it."""
