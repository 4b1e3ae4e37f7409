from region.build.debian_mirror import default_mirror, main_archive

LISTED = """\
http://archive.example/debian/ bookworm-updates main
http://postgres.example/apt/ bookworm-pgdg main
http://archive.example/debian/ bookworm main
http://archive.example/debian-security/ bookworm-security main
"""


def test_the_archive_is_the_one_with_the_release_itself():
    assert main_archive(LISTED, "bookworm") == "http://archive.example/debian/"


def test_a_machine_without_an_archive_has_none():
    assert main_archive(LISTED, "trixie") is None
    assert main_archive("", "") is None


def test_another_distribution_takes_what_debootstrap_falls_back_to():
    assert default_mirror('VERSION=1\nDEF_MIRROR="http://archive.example/debian"\n') == "http://archive.example/debian"
    assert default_mirror("VERSION=1\n") is None
