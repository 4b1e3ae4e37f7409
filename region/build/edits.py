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


def _edit(module: str, file: str, pattern: str, text: str = "") -> Edit:
    return Edit(module=module, file=file, pattern=pattern, text=text)


def _emptied(module: str, folder: str, package: str, names: str) -> list[Edit]:
    """The files of these names, by space and without their ending, hold nothing any more."""
    return [_edit(module, f"{folder}/{name}.go", r"(?s)\A.*\Z", f"package {package}\n") for name in names.split()]


FUNCTIONS_FOR_METHODS = (
    _edit(
        "k8s.io/client-go",
        "tools/cache/controller.go",
        r"func \(d DeletedObject\[T\]\) (Get\w+)\(\)",
        r"func \1Of[T Object](d DeletedObject[T])",
    ),
    _edit("k8s.io/client-go", "tools/cache/controller.go", r"\bd\.GetObjectName\(\)", "GetObjectNameOf(d)"),
    _edit(
        "k8s.io/dynamic-resource-allocation",
        "resourceslice/tracker/tracker.go",
        r"klog\.KObj\((deleted\w+)\)",
        r"klog.KRef(cache.GetNamespaceOf(\1), cache.GetNameOf(\1))",
    ),
    _edit(
        "k8s.io/dynamic-resource-allocation",
        "resourceslice/tracker/tracker.go",
        r"\b(deleted\w+)\.GetName\(\)",
        r"cache.GetNameOf(\1)",
    ),
)
"""Every package that knows Kubernetes's informers compiles this generic type's methods again, but no functions."""

ONE_BACKEND = (
    _edit(
        "github.com/flannel-io/flannel", "main.go", r'\t_ "github\.com/flannel-io/flannel/pkg/backend/(?!vxlan").*\n'
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
    _edit(PULUMI, "cmd/pulumi/cloud/envelope.go", r"\[\]ParamSpec", "[]any"),
    _edit(PULUMI, "cmd/pulumi/pulumi.go", r"\t+cloud\.NewAPICmd\(\),\n"),
    _edit(PULUMI, "cmd/pulumi/pulumi.go", r'\t"[^"]+/cmd/pulumi/cloud"\n'),
    _edit(PULUMI, "cmd/esc/cli/env.go", r"\tcmd\.AddCommand\(newEnvSetupCmd\(env\)\)\n"),
    # State in buckets
    _edit(PULUMI, "backend/diy/backend.go", r'\t.*"[^"]+/((azure|gcs|s3)blob|authhelpers)".*\n'),
    _edit(PULUMI, "backend/diy/backend.go", r"(?ms)^\tif p\.Scheme == (gcs|azure)blob\.Scheme \{.*?^\t\}\n"),
    _edit(PULUMI, "backend/diy/bucket.go", r'\t(awss3 .*|"net/url")\n'),
    _edit(PULUMI, "backend/diy/bucket.go", r"(?ms)^\t\tvar input \*awss3.*?^\t\t\}\n"),
    _edit(PULUMI, "backend/diy/bucket.go", r"(?ms)^func fixupS3CopySource.*?^\}\n"),
    # Keys for secrets that a cloud keeps
    _edit(PULUMI, "secrets/cloud/manager.go", r'\t.*"[^"]+/(secrets/\w+|authhelpers|cloudkms/v1)".*\n'),
    _edit(PULUMI, "secrets/cloud/manager.go", r"(?ms)^\tcase gcpkms\.Scheme:.*?(?=^\tdefault:)"),
)
"""The region's Pulumi keeps state in files and secrets by a passphrase; of clouds it knows what its plugins are."""
