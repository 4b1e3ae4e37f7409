"""What tools are compiled without: what the region never uses, and what takes long for nothing.

docs/decisions/edited-modules.md says what each set of edits is worth.
"""

from dataclasses import dataclass

PULUMI = "github.com/pulumi/pulumi/pkg/v3"


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Another text for what `pattern` matches in a file of a module that a tool is built from, as `re.sub` has them."""

    module: str
    file: str
    pattern: str
    text: str = ""


def _emptied(module: str, folder: str, package: str, names: str) -> list[Edit]:
    """The files of these names, by space and without their ending, hold nothing any more."""
    return [
        Edit(module=module, file=f"{folder}/{name}.go", pattern=r"(?s)\A.*\Z", text=f"package {package}\n")
        for name in names.split()
    ]


def _pulumi(file: str, pattern: str, text: str = "") -> Edit:
    return Edit(module=PULUMI, file=file, pattern=pattern, text=text)


FUNCTIONS_FOR_METHODS = (
    Edit(
        module="k8s.io/client-go",
        file="tools/cache/controller.go",
        pattern=r"func \(d DeletedObject\[T\]\) (Get\w+)\(\)",
        text=r"func \1Of[T Object](d DeletedObject[T])",
    ),
    Edit(
        module="k8s.io/client-go",
        file="tools/cache/controller.go",
        pattern=r"\bd\.GetObjectName\(\)",
        text="GetObjectNameOf(d)",
    ),
    Edit(
        module="k8s.io/dynamic-resource-allocation",
        file="resourceslice/tracker/tracker.go",
        pattern=r"klog\.KObj\((deleted\w+)\)",
        text=r"klog.KRef(cache.GetNamespaceOf(\1), cache.GetNameOf(\1))",
    ),
    Edit(
        module="k8s.io/dynamic-resource-allocation",
        file="resourceslice/tracker/tracker.go",
        pattern=r"\b(deleted\w+)\.GetName\(\)",
        text=r"cache.GetNameOf(\1)",
    ),
)
"""Every package that knows Kubernetes's informers compiles this generic type's methods again, but no functions."""

ONE_BACKEND = (
    Edit(
        module="github.com/flannel-io/flannel",
        file="main.go",
        pattern=r'\t_ "github\.com/flannel-io/flannel/pkg/backend/(?!vxlan").*\n',
    ),
)
"""flannel's other ways to carry packets bring a cloud's whole SDK and a C compiler."""

WITHOUT_CLOUDS = (
    # `pulumi api` and `pulumi env setup`
    *_emptied(
        PULUMI,
        "cmd/pulumi/cloud",
        "cloud",
        "api describe describe_markdown fields list paginate pathmatch schema spec spec_fetch",
    ),
    *_emptied(PULUMI, "cmd/esc/cli", "cli", "setup setup_aws setup_azure setup_gcp"),
    _pulumi("cmd/pulumi/cloud/envelope.go", r"\[\]ParamSpec", "[]any"),
    _pulumi("cmd/pulumi/pulumi.go", r"\t+cloud\.NewAPICmd\(\),\n"),
    _pulumi("cmd/pulumi/pulumi.go", r'\t"[^"]+/cmd/pulumi/cloud"\n'),
    _pulumi("cmd/esc/cli/env.go", r"\tcmd\.AddCommand\(newEnvSetupCmd\(env\)\)\n"),
    # State in buckets
    _pulumi("backend/diy/backend.go", r'\t.*"[^"]+/((azure|gcs|s3)blob|authhelpers)".*\n'),
    _pulumi("backend/diy/backend.go", r"(?ms)^\tif p\.Scheme == (gcs|azure)blob\.Scheme \{.*?^\t\}\n"),
    _pulumi("backend/diy/bucket.go", r'\t(awss3 .*|"net/url")\n'),
    _pulumi("backend/diy/bucket.go", r"(?ms)^\t\tvar input \*awss3.*?^\t\t\}\n"),
    _pulumi("backend/diy/bucket.go", r"(?ms)^func fixupS3CopySource.*?^\}\n"),
    # Keys for secrets that a cloud keeps
    _pulumi("secrets/cloud/manager.go", r'\t.*"[^"]+/(secrets/\w+|authhelpers|cloudkms/v1)".*\n'),
    _pulumi("secrets/cloud/manager.go", r"(?ms)^\tcase gcpkms\.Scheme:.*?(?=^\tdefault:)"),
)
"""The region's Pulumi keeps state in files and secrets by a passphrase; of clouds it knows what its plugins are."""
