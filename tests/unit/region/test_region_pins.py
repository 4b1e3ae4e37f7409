from region.build.pins import HELD, Registry, pins
from region.build.recipes import RECIPES


def names(registry: Registry) -> list[tuple[str, str]]:
    return [(pin.where, pin.name) for pin in pins() if pin.registry is registry]


def test_the_modules_are_what_the_toolchain_builds_from_and_the_defaults_of_the_program():
    assert names(Registry.GO) == [
        ("tools/kubernetes", "k8s.io/kubernetes"),
        ("tools/pulumi", "github.com/pulumi/pulumi/pkg/v3"),
        ("tools/pulumi", "github.com/pulumi/pulumi/sdk/v3"),
        ("tools/coredns", "github.com/coredns/coredns"),
        ("tools/flannel", "github.com/flannel-io/flannel"),
        ("tools/etcd", "go.etcd.io/etcd/server/v3"),
        ("tools/etcd", "go.etcd.io/etcd/etcdctl/v3"),
        ("tools/etcd", "go.etcd.io/etcd/etcdutl/v3"),
        ("tools/crictl", "sigs.k8s.io/cri-tools"),
        ("tools/pulumi-language-python", "github.com/pulumi/pulumi/sdk/v3"),
        ("tools/cni", "github.com/containernetworking/plugins"),
        ("tools/flannel-cni", "github.com/containernetworking/plugins"),
        ("Pulumi.yaml kubernetesVersion", "k8s.io/kubernetes"),
        ("Pulumi.yaml etcdVersion", "go.etcd.io/etcd/server/v3"),
        ("Pulumi.yaml flannelVersion", "github.com/flannel-io/flannel"),
    ]


def test_the_packages_are_those_that_somebody_named_each_once():
    assert names(Registry.PYTHON) == [
        ("requirements.in", "pulumi"),
        ("requirements.in", "pulumi-aws"),
        ("requirements.in", "pulumi-command"),
        ("requirements.in", "pulumi-tls"),
        ("requirements.in", "pyyaml"),
        ("requirements-operate.in", "boto3"),
        ("requirements-operate.in", "click"),
        ("requirements-operate.in", "rich"),
        ("requirements-dev.in", "asyncssh"),
        ("requirements-dev.in", "cryptography"),
        ("requirements-dev.in", "moto"),
        ("requirements-dev.in", "packaging"),
        ("requirements-dev.in", "pyright"),
        ("requirements-dev.in", "pytest"),
        ("requirements-dev.in", "pytest-xdist"),
        ("requirements-dev.in", "ruff"),
    ]


def test_the_region_has_what_the_program_asks_for_by_default():
    """One version stands in two files: a change of one alone is found here."""
    built = {pin.name: pin.version for pin in pins() if pin.where.startswith("tools/")}
    defaults = {pin.name: pin.version for pin in pins() if pin.where.startswith("Pulumi.yaml ")}
    assert defaults == {name: built[name] for name in defaults}


def test_only_tools_that_there_are_are_held():
    assert HELD.keys() <= RECIPES.keys()
    assert [pin.where for pin in pins() if pin.held] == [
        "tools/coredns",
        "tools/pulumi-language-python",
        "tools/flannel-cni",
    ]
